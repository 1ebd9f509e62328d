"""Seeded generators of client behaviour. They write the history and judge nothing."""
