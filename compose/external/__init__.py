"""Engines that somebody else runs: where they are told to be, and whether each is what a shop needs.

Nothing here starts, stops or configures one. Every refusal names what is wrong and what to grant.
"""
