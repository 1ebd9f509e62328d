"""Benchmarks of the figures the shop promises: each runs alone, prints one table and writes its result as JSON.

Measures a fleet from outside or one module by itself; judges no business data, which is the business of `scenarios`.
"""
