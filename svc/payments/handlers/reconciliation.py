"""Reconciliation: our books, the ledger and the PSP's own list, order by order, with what would mend a difference.

Reads only. Payments still under way are left out of the comparison and counted.
"""

from collections import defaultdict
from uuid import UUID

import msgspec

from shared.database import Database
from svc.payments.clients import Psp, PspPayment
from svc.payments.store import payments

PAGES_MAX = 400
ROWS_PER_READ = 2_000
DIFFERENCES_MAX = 1_000
REVIEWS_MAX = 200


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One order whose books disagree; amounts in minor units. `repair` names the step that would mend it."""

    order_id: str
    currency: str
    kind: str
    psp_captured_minor: int
    psp_refunded_minor: int
    captured_minor: int
    refunded_minor: int
    ledger_net_minor: int
    psp_payment_ids: list[str]
    repair: str


class Review(msgspec.Struct, frozen=True):
    order_id: UUID
    reason: str


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """`difference_minor`: per currency what the PSP holds less what our books say, over all orders compared."""

    compared: int
    in_flight: int
    complete: bool
    difference_minor: dict[str, int]
    differences: list[Difference]
    reviews: list[Review]


class _Book(msgspec.Struct):
    captured_minor: int = 0
    refunded_minor: int = 0
    ids: list[str] = []


class _Ours(msgspec.Struct, frozen=True):
    status: str
    currency: str
    captured_minor: int
    refunded_minor: int
    refund_reserved_minor: int
    ledger_net_minor: int


async def reconcile(database: Database, psp: Psp) -> Reconciliation:
    """Compare everything. Raises `RemoteUnavailableError` and `RemoteTimeoutError` when the PSP cannot be asked."""
    provider, complete = await _provider_books(psp)
    ours = await _our_books(database)
    async with database.acquire() as connection:
        reviews = await payments.reviews(connection, rows_max=REVIEWS_MAX)
    differences: list[Difference] = []
    totals: dict[str, int] = defaultdict(int)
    in_flight = 0
    for order_id in sorted({*provider, *ours}):
        own = ours.get(order_id, _Ours("none", "", 0, 0, 0, 0))
        if own.status in {"processing", "unknown"} or own.refund_reserved_minor != own.refunded_minor:
            in_flight += 1
            continue
        books = provider.get(order_id) or {own.currency: _Book()}
        for currency, book in books.items():
            difference = _compare(order_id, currency, book, own)
            if difference is not None:
                totals[currency] += book.captured_minor - book.refunded_minor
                totals[currency] -= own.captured_minor - own.refunded_minor if currency == own.currency else 0
                differences.append(difference)
    return Reconciliation(
        compared=len({*provider, *ours}) - in_flight,
        in_flight=in_flight,
        complete=complete and len(differences) <= DIFFERENCES_MAX,
        difference_minor=dict(totals),
        differences=differences[:DIFFERENCES_MAX],
        reviews=[Review(order_id, reason) for order_id, reason in reviews],
    )


def _compare(order_id: str, currency: str, book: _Book, own: _Ours) -> Difference | None:
    same_currency = currency == own.currency
    captured, refunded = (own.captured_minor, own.refunded_minor) if same_currency else (0, 0)
    ledger_net = own.ledger_net_minor if same_currency else 0
    if (book.captured_minor, book.refunded_minor, ledger_net) == (captured, refunded, captured - refunded):
        return None
    kind, repair = _diagnosis(book, captured, refunded, own)
    return Difference(
        order_id=order_id,
        currency=currency,
        kind=kind,
        psp_captured_minor=book.captured_minor,
        psp_refunded_minor=book.refunded_minor,
        captured_minor=captured,
        refunded_minor=refunded,
        ledger_net_minor=ledger_net,
        psp_payment_ids=book.ids,
        repair=repair,
    )


def _diagnosis(book: _Book, captured: int, refunded: int, own: _Ours) -> tuple[str, str]:
    if book.captured_minor > captured:
        if own.status == "none":
            return "captured_without_payment", "refund_at_the_psp"
        return ("captured_twice" if captured else "captured_but_not_booked"), "return_duplicate"
    if book.captured_minor < captured:
        return "booked_but_not_captured", "review"
    if book.refunded_minor < refunded:
        return "refund_missing_at_the_psp", "review"
    if book.refunded_minor > refunded:
        return "refund_not_booked", "review"
    return "ledger_differs", "review"


async def _provider_books(psp: Psp) -> tuple[dict[str, dict[str, _Book]], bool]:
    books: dict[str, dict[str, _Book]] = {}
    pages = 0
    async for page in psp.all_payments():
        for item in page:
            _enter(books, item)
        pages += 1
        if pages >= PAGES_MAX:
            return books, False
    return books, True


def _enter(books: dict[str, dict[str, _Book]], item: PspPayment) -> None:
    if not item.captured_minor:
        return
    book = books.setdefault(item.merchant_reference, {}).setdefault(item.currency, _Book(ids=[]))
    book.captured_minor += item.captured_minor
    book.refunded_minor += item.refunded_minor
    book.ids.append(item.id)


async def _our_books(database: Database) -> dict[str, _Ours]:
    books: dict[str, _Ours] = {}
    after: UUID | None = None
    while True:
        async with database.acquire() as connection:
            rows = await payments.books(connection, after=after, rows_max=ROWS_PER_READ)
        for row in rows:
            books[str(row["order_id"])] = _Ours(
                row["status"],
                row["currency"],
                row["captured_minor"],
                row["refunded_minor"],
                row["refund_reserved_minor"],
                row["ledger_net_minor"],
            )
        if len(rows) < ROWS_PER_READ:
            return books
        after = rows[-1]["id"]
