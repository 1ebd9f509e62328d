"""Faults of the environment: each inject is confirmed by a probe and returns its own heal."""
