"""The defects of incident 05, one file each."""
