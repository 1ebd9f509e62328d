"""The carrier: rates, labels, hand-over, and tracking that goes on by itself.

Its journal is the witness of what left the house.
"""
