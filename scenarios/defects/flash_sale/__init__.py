"""The defects of incident 01, one file each."""
