"""The classes of goods that tax laws tell apart: the catalog puts every product in one, orders has a rate for each."""

from enum import StrEnum


class TaxClass(StrEnum):
    STANDARD = "standard"
    REDUCED = "reduced"
    ZERO = "zero"
