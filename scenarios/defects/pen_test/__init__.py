"""Holes of the penetration test: one file per hole, each found by the probe of its kind."""
