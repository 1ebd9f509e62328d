"""The mail catcher: accepts everything the shop sends, keeps it, shows it.

Its journal is the witness of what customers were told.
"""
