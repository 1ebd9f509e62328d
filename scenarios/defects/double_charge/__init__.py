"""The defects of incident 02, one file each."""
