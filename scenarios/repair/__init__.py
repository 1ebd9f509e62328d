"""Undoing damage exactly once, through the services' own doors. A plan is pure; applying it twice changes nothing."""
