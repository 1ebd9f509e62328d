"""The tables of notifications and the statements on them."""
