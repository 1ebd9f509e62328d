"""The staff's work with the shelves: what may go wrong with imports, transfers and counts. Pure."""

from collections.abc import Sequence

import msgspec

from shared.errors import Kind, Refusal
from svc.inventory.domain import RECEIPT_QUANTITY_MAX, ReceiptMismatch, checked_quantity, untold


class UnknownWarehouse(Refusal):
    code = "unknown_warehouse"
    kind = Kind.NOT_FOUND


class TransferMismatch(Refusal):
    """The reference of a transfer came before with something else."""

    code = "transfer_mismatch"
    kind = Kind.UNPROCESSABLE


class TransferToItself(Refusal):
    code = "transfer_to_itself"
    kind = Kind.UNPROCESSABLE


class UnknownTake(Refusal):
    code = "unknown_stock_take"
    kind = Kind.NOT_FOUND


class TakeIsOpen(Refusal):
    """These units are being counted already; two counts of one shelf would book its variance twice."""

    code = "stock_take_open"
    kind = Kind.CONFLICT


class TakeIsClosed(Refusal):
    """It was booked with another count, or given up."""

    code = "stock_take_closed"
    kind = Kind.CONFLICT


class UnitsPromised(Refusal):
    """More units are promised to customers than there would be."""

    code = "units_promised"
    kind = Kind.CONFLICT


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Goods to be booked in under a reference of their own."""

    sku: str
    quantity: int
    reference: str
    warehouse: str


def refused(deliveries: Sequence[Delivery], unknown: frozenset[str]) -> dict[int, Refusal]:
    """Which of the deliveries cannot be booked, by their place: a bad quantity, an unknown SKU, or a reference that
    came earlier in the list with something else.
    """
    refusals: dict[int, Refusal] = {}
    by_reference: dict[str, Delivery] = {}
    for place, delivery in enumerate(deliveries):
        try:
            checked_quantity(delivery.quantity, sku=delivery.sku, at_most=RECEIPT_QUANTITY_MAX)
        except Refusal as refusal:
            refusals[place] = refusal
            continue
        if delivery.sku in unknown:
            refusals[place] = untold(delivery.sku)
        elif by_reference.setdefault(delivery.reference, delivery) != delivery:
            refusals[place] = mismatch(delivery.reference)
    return refusals


def mismatch(reference: str) -> ReceiptMismatch:
    """A reference stands for one receipt."""
    return ReceiptMismatch(f"the reference {reference!r} stands for another receipt", reference=reference)
