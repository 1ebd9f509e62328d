"""Reconciliation: our books, the ledger and the PSP's own list, order by order, with what would mend a difference.

Reads only. Payments still under way are left out of the comparison and counted.
"""

from collections import defaultdict
from uuid import UUID

import msgspec

from shared.database import Database
from svc.payments.clients import Psp, PspPayment
from svc.payments.domain import DisputeStatus
from svc.payments.store import payments

PAGES_MAX = 400
ROWS_PER_READ = 2_000
DIFFERENCES_MAX = 1_000
REVIEWS_MAX = 200


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One order whose books disagree; amounts in minor units. `repair` names the step that would mend it.

    What is disputed is withheld by the PSP for an open or lost dispute; the ledger's net is without it.
    """

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
    psp_disputed_minor: int = 0
    disputed_minor: int = 0


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the plan. `request` is what carries it out, once however often it is made; empty for people's work.

    `amount_minor` of `currency` is what it would move, zero where that is not known.
    """

    order_id: str
    step: str
    request: str = ""
    psp_payment_id: str = ""
    currency: str = ""
    amount_minor: int = 0


class Review(msgspec.Struct, frozen=True):
    order_id: UUID
    reason: str


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """`difference_minor`: per currency what the PSP holds less what our books say, over all orders compared.

    `plan` is what would mend the differences, step by step.
    """

    compared: int
    in_flight: int
    complete: bool
    difference_minor: dict[str, int]
    differences: list[Difference]
    reviews: list[Review]
    plan: list[Repair] = []


class _Book(msgspec.Struct):
    captured_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0
    ids: list[str] = []
    captures: dict[str, int] = {}


class _Ours(msgspec.Struct, frozen=True):
    status: str
    currency: str
    captured_minor: int
    refunded_minor: int
    refund_reserved_minor: int
    disputed_minor: int
    ledger_net_minor: int
    psp_payment_id: str


NOBODYS = _Ours("none", "", 0, 0, 0, 0, 0, "")


async def reconcile(database: Database, psp: Psp) -> Reconciliation:
    """Compare everything. Raises `RemoteUnavailableError` and `RemoteTimeoutError` when the PSP cannot be asked."""
    provider, complete = await _provider_books(psp)
    ours = await _our_books(database)
    async with database.acquire() as connection:
        reviews = await payments.reviews(connection, rows_max=REVIEWS_MAX)
    differences: list[Difference] = []
    plan: list[Repair] = []
    totals: dict[str, int] = defaultdict(int)
    in_flight = 0
    for order_id in sorted({*provider, *ours}):
        own = ours.get(order_id, NOBODYS)
        if own.status in {"processing", "unknown", "authorised"} or own.refund_reserved_minor != own.refunded_minor:
            in_flight += 1
            continue
        books = provider.get(order_id) or {own.currency: _Book()}
        for currency, book in books.items():
            difference = _compare(order_id, currency, book, own)
            if difference is not None:
                totals[currency] += book.captured_minor - book.refunded_minor
                totals[currency] -= own.captured_minor - own.refunded_minor if currency == own.currency else 0
                differences.append(difference)
                plan.extend(_repairs(difference, book, own))
    return Reconciliation(
        compared=len({*provider, *ours}) - in_flight,
        in_flight=in_flight,
        complete=complete and len(differences) <= DIFFERENCES_MAX,
        difference_minor=dict(totals),
        differences=differences[:DIFFERENCES_MAX],
        reviews=[Review(order_id, reason) for order_id, reason in reviews],
        plan=plan[:DIFFERENCES_MAX],
    )


def _compare(order_id: str, currency: str, book: _Book, own: _Ours) -> Difference | None:
    same_currency = currency == own.currency
    captured, refunded = (own.captured_minor, own.refunded_minor) if same_currency else (0, 0)
    disputed = own.disputed_minor if same_currency else 0
    ledger_net = own.ledger_net_minor + disputed if same_currency else 0
    told = (book.captured_minor, book.refunded_minor, book.disputed_minor, ledger_net)
    if told == (captured, refunded, disputed, captured - refunded):
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
        psp_disputed_minor=book.disputed_minor,
        disputed_minor=disputed,
    )


def _diagnosis(book: _Book, captured: int, refunded: int, own: _Ours) -> tuple[str, str]:
    if book.captured_minor > captured:
        if own.status == "none":
            return "captured_without_payment", "refund_at_the_psp"
        return ("captured_twice" if captured else "captured_but_not_booked"), "return_duplicate"
    reasons = (
        (book.captured_minor < captured, ("booked_but_not_captured", "reverse" if book.captured_minor else "review")),
        (book.refunded_minor < refunded, ("refund_missing_at_the_psp", "review")),
        (book.refunded_minor > refunded, ("refund_not_booked", "review")),
        (book.disputed_minor != own.disputed_minor, ("dispute_not_booked", "apply_disputes")),
    )
    return next((diagnosis for applies, diagnosis in reasons if applies), ("ledger_differs", "review"))


def _repairs(difference: Difference, book: _Book, own: _Ours) -> list[Repair]:
    """What people do is one step; a second capture goes back whole, each of them by a request of its own."""
    path = f"/internal/payments/{difference.order_id}"
    match difference.repair:
        case "return_duplicate":
            return [
                Repair(
                    order_id=difference.order_id,
                    step=difference.repair,
                    request=f"POST {path}/duplicates",
                    psp_payment_id=psp_payment_id,
                    currency=difference.currency,
                    amount_minor=amount_minor,
                )
                for psp_payment_id, amount_minor in book.captures.items()
                if psp_payment_id != own.psp_payment_id
            ]
        case "apply_disputes":
            moved_minor = abs(difference.psp_disputed_minor - difference.disputed_minor)
            return [
                Repair(
                    order_id=difference.order_id,
                    step=difference.repair,
                    request=f"POST {path}/disputes",
                    currency=difference.currency,
                    amount_minor=moved_minor,
                )
            ]
        case "reverse":
            return [
                Repair(
                    order_id=difference.order_id,
                    step=difference.repair,
                    request=f"POST {path}/reversals",
                    currency=difference.currency,
                    amount_minor=difference.captured_minor - difference.psp_captured_minor,
                )
            ]
        case people:
            return [Repair(order_id=difference.order_id, step=people, currency=difference.currency)]


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
    book = books.setdefault(item.merchant_reference, {}).setdefault(item.currency, _Book())
    book.captured_minor += item.captured_minor
    book.refunded_minor += item.refunded_minor
    book.disputed_minor += sum(one.amount_minor for one in item.disputes if one.status is not DisputeStatus.WON)
    book.ids.append(item.id)
    book.captures[item.id] = item.captured_minor


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
                row["refunded_minor"] + row["overpaid_minor"],
                row["refund_reserved_minor"] + row["overpaid_minor"],
                row["disputed_minor"],
                row["ledger_net_minor"],
                row["psp_payment_id"] or "",
            )
        if len(rows) < ROWS_PER_READ:
            return books
        after = rows[-1]["id"]
