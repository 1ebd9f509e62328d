"""The defects of incident 03, one file each."""
