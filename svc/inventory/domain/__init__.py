"""The rules of stock: who gets units of a batch of buyers, and how a hold may end. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal

LINES_MAX = 50
SKUS_MAX = 100
LINE_QUANTITY_MAX = 10_000
RECEIPT_QUANTITY_MAX = 1_000_000
"""Units; a truck brings more than one buyer takes."""
KNOWN_WITHIN_S = 1
"""After which one may ask again for a SKU that the catalog made just now."""


class HoldOutcome(StrEnum):
    """The ways a hold ends."""

    COMMITTED = "committed"
    RELEASED = "released"
    EXPIRED = "expired"


class MovementType(StrEnum):
    RECEIVE = "receive"
    RESERVE = "reserve"
    COMMIT = "commit"
    RELEASE = "release"
    EXPIRE = "expire"
    ADJUST = "adjust"
    RESTOCK = "restock"
    TRANSFER = "transfer"


class InvalidQuantity(Refusal):
    """Not a number of units from 1 to the most there may be."""

    code = "invalid_quantity"
    kind = Kind.UNPROCESSABLE


class TooManySkus(Refusal):
    """A list of more than `SKUS_MAX`, which would have to be cut."""

    code = "too_many_skus"
    kind = Kind.INVALID


class InsufficientStock(Refusal):
    code = "insufficient_stock"
    kind = Kind.CONFLICT


class PurchaseLimitExceeded(Refusal):
    code = "purchase_limit_exceeded"
    kind = Kind.CONFLICT


class UnknownSku(Refusal):
    """The catalog has not told of it."""

    code = "unknown_sku"
    kind = Kind.NOT_FOUND


class UnknownReservation(Refusal):
    code = "unknown_reservation"
    kind = Kind.NOT_FOUND


class ReservationMismatch(Refusal):
    """The reservation id came before with other lines."""

    code = "reservation_mismatch"
    kind = Kind.UNPROCESSABLE


class ReceiptMismatch(Refusal):
    """The reference of a receipt came before with another SKU, quantity or warehouse."""

    code = "receipt_mismatch"
    kind = Kind.UNPROCESSABLE


class ReservationEnded(Refusal):
    """The hold has ended another way already."""

    code = "reservation_ended"
    kind = Kind.CONFLICT


class Irreconcilable(Refusal):
    """A recount would leave more units held than exist."""

    code = "irreconcilable_stock"
    kind = Kind.CONFLICT


class Line(msgspec.Struct, frozen=True, order=True):
    sku: str
    quantity: int


class Placement(msgspec.Struct, frozen=True):
    """Units of one line taken at one warehouse."""

    warehouse: str
    sku: str
    quantity: int


class HoldRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One buyer's wish: all lines or nothing. Lines are merged per SKU and sorted."""

    reservation_id: UUID
    customer_id: UUID
    lines: tuple[Line, ...]
    ttl_s: float
    destination: str = ""
    """The country it goes to, as far as it is known."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A stored reservation; one without placements was ended before it was asked for."""

    reservation_id: UUID
    customer_id: UUID
    status: str
    expires_at: datetime
    placements: tuple[Placement, ...]
    restocked: bool = False
    """Committed, and come back since."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """The quantities per SKU, whatever warehouse they came from."""
        return merged([Line(placement.sku, placement.quantity) for placement in self.placements])


class StockLevel(msgspec.Struct, frozen=True):
    """Units of a SKU at a warehouse that may be promised, and the rows of the policy that says who serves first.

    `available` may be below 0; so many as `backorder_max` more may be sold before they are here. The warehouse with the
    lowest rank for the destination goes first, elsewhere the lowest priority.
    """

    warehouse: str
    sku: str
    available: int
    backorder_max: int = 0
    priority: int = 0
    ranks: Mapping[str, int] = {}

    @property
    def here(self) -> int:
        """Units that are on the shelf."""
        return max(0, self.available)

    @property
    def room(self) -> int:
        """Units in all, those that are sold ahead included."""
        return max(self.here, self.available + self.backorder_max)

    def rank(self, destination: str) -> tuple[int, str]:
        """The lowest serves first."""
        return (self.ranks.get(destination, self.priority), self.warehouse)


Outcome = Hold | tuple[Placement, ...] | Refusal
"""An existing hold (idempotent repeat), new placements, or the reason why not."""


def checked_quantity(quantity: int, *, sku: str, at_most: int) -> int:
    """The quantity as given. Raises `InvalidQuantity`."""
    if not 1 <= quantity <= at_most:
        raise InvalidQuantity(
            f"the quantity of {sku} is a whole number from 1 to {at_most}", sku=sku, quantity_max=at_most
        )
    return quantity


def listed_skus(text: str) -> list[str]:
    """The SKUs of a comma-separated list, each once. Raises `TooManySkus`."""
    skus = list(dict.fromkeys(sku for sku in text.split(",") if sku))
    if len(skus) > SKUS_MAX:
        raise TooManySkus(
            f"the list names {len(skus)} SKUs; ask for at most {SKUS_MAX} at once", given=len(skus), skus_max=SKUS_MAX
        )
    return skus


def untold(sku: str) -> UnknownSku:
    """Goods came of a SKU that the catalog has not told of, or not yet."""
    return UnknownSku(
        f"the catalog knows no SKU {sku!r}; one that was made a moment ago is known in a second",
        sku=sku,
        retry_after_s=KNOWN_WITHIN_S,
    )


def merged(lines: Sequence[Line]) -> tuple[Line, ...]:
    """One line per SKU, sorted by SKU, so that every request locks rows in the same order."""
    totals: dict[str, int] = {}
    for line in lines:
        totals[line.sku] = totals.get(line.sku, 0) + line.quantity
    return tuple(Line(sku, quantity) for sku, quantity in sorted(totals.items()))


def allocate(
    requests: Sequence[HoldRequest],
    *,
    levels: Sequence[StockLevel],
    existing: Mapping[UUID, Hold],
    limits: Mapping[str, int],
    held_by_customer: Mapping[tuple[UUID, str], int],
) -> list[Outcome]:
    """Serve the requests in their order; each gets all its lines or a refusal.

    The best warehouse that has all of it serves alone, so that one parcel does; else each line is taken from one after
    the other, and only what is nowhere is sold ahead, where that is allowed. Invariant: the units handed out never
    exceed the levels given, nor a customer's limit.
    Refusals: `UnknownSku`, `PurchaseLimitExceeded`, `InsufficientStock`, `ReservationMismatch`.
    """
    shelf: dict[str, list[StockLevel]] = {}
    for level in levels:
        shelf.setdefault(level.sku, []).append(level)
    taken = dict(held_by_customer)
    known = dict(existing)
    outcomes: list[Outcome] = []
    for request in requests:
        outcome = _serve(request, shelf, known.get(request.reservation_id), limits, taken)
        if isinstance(outcome, tuple):
            _take(request, outcome, shelf, taken)
            known[request.reservation_id] = _promised(request, outcome)
        outcomes.append(outcome)
    return outcomes


def _serve(
    request: HoldRequest,
    shelf: Mapping[str, list[StockLevel]],
    known: Hold | None,
    limits: Mapping[str, int],
    taken: Mapping[tuple[UUID, str], int],
) -> Outcome:
    if known is not None:
        forestalled = not known.placements
        if not forestalled and (known.lines != request.lines or known.customer_id != request.customer_id):
            return ReservationMismatch("this reservation id was used for something else")
        return known
    placements: list[Placement] = []
    for line in request.lines:
        if line.sku not in shelf:
            return UnknownSku(f"there is no SKU {line.sku!r}", sku=line.sku)
        limit = limits.get(line.sku)
        before = taken.get((request.customer_id, line.sku), 0)
        if limit is not None and before + line.quantity > limit:
            return PurchaseLimitExceeded(
                f"at most {limit} of {line.sku} per customer", sku=line.sku, limit=limit, already=before
            )
        taken_at = _gathered(line, sorted(shelf[line.sku], key=lambda level: level.rank(request.destination)))
        units = sum(placement.quantity for placement in taken_at)
        if units < line.quantity:
            return InsufficientStock(
                f"only {units} of {line.sku} left", sku=line.sku, requested=line.quantity, available=units
            )
        placements += taken_at
    alone = _alone(request, shelf)
    return tuple(placements) if alone is None else tuple(Placement(alone, *_of(line)) for line in request.lines)


def _of(line: Line) -> tuple[str, int]:
    return line.sku, line.quantity


def _gathered(line: Line, levels: Sequence[StockLevel]) -> list[Placement]:
    """Units from the shelves first, in this order, then ahead of their arrival."""
    taken: dict[str, int] = {}
    missing = line.quantity
    for limit in ("here", "room"):
        for level in levels:
            most = level.here if limit == "here" else level.room
            units = min(missing, most - taken.get(level.warehouse, 0))
            if units > 0:
                taken[level.warehouse] = taken.get(level.warehouse, 0) + units
                missing -= units
    return [Placement(warehouse, line.sku, units) for warehouse, units in taken.items()]


def _alone(request: HoldRequest, shelf: Mapping[str, list[StockLevel]]) -> str | None:
    """The best warehouse that has every line on its shelves."""
    serving = [
        {level.warehouse: level for level in shelf[line.sku] if level.here >= line.quantity} for line in request.lines
    ]
    able = set(serving[0]).intersection(*serving) if serving else set[str]()
    return min(able, key=lambda warehouse: serving[0][warehouse].rank(request.destination), default=None)


def _take(
    request: HoldRequest,
    placements: tuple[Placement, ...],
    shelf: dict[str, list[StockLevel]],
    taken: dict[tuple[UUID, str], int],
) -> None:
    for placement in placements:
        shelf[placement.sku] = [
            msgspec.structs.replace(level, available=level.available - placement.quantity)
            if level.warehouse == placement.warehouse
            else level
            for level in shelf[placement.sku]
        ]
        key = (request.customer_id, placement.sku)
        taken[key] = taken.get(key, 0) + placement.quantity


def _promised(request: HoldRequest, placements: tuple[Placement, ...]) -> Hold:
    """How a later request of the same batch with the same id sees this one."""
    return Hold(
        reservation_id=request.reservation_id,
        customer_id=request.customer_id,
        status="held",
        expires_at=datetime.max.replace(tzinfo=UTC),
        placements=placements,
    )
