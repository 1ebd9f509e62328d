"""What a customer is told of the stock, never how much there is. Pure; the figures are `shared.stock_watch`'s."""

from enum import StrEnum

LOW_STOCK_UNITS_MAX = 5


class Availability(StrEnum):
    """The badge of one SKU."""

    IN_STOCK = "in_stock"
    LOW_STOCK = "low_stock"
    OUT_OF_STOCK = "out_of_stock"


def badge(available: int | None) -> Availability | None:
    """None for what is not known."""
    if available is None:
        return None
    if available <= 0:
        return Availability.OUT_OF_STOCK
    return Availability.LOW_STOCK if available <= LOW_STOCK_UNITS_MAX else Availability.IN_STOCK
