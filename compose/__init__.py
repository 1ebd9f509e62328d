"""The stack: its definition, the engines of the local profile, and the supervisor that keeps both alive.

Knows services only as entries of `stack.toml` and by what their packages declare as data; imports none.
"""
