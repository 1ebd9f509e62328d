"""The event store, the figures folded from it, and the statements on both. Every statement runs in the caller's
transaction.
"""
