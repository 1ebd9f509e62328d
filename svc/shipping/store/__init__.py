"""The tables of shipping and the statements on them. Every statement runs inside the caller's transaction."""
