"""The tables of payments and the statements on them. Every statement runs inside the caller's transaction."""
