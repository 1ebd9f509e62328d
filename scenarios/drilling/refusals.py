"""Why what a responder did does not count: each reason names the invariant that says so. Pure.

Three questions: do the invariants hold now; is everything still there that they are judged by; was anybody harmed who
was not concerned.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from scenarios.checkers import Outcome
from scenarios.checkers.standing import CANCELLED_STATUSES
from scenarios.evidence import Evidence, in_scope
from scenarios.verdict import Verdict

NAMED_MAX: Final = 3


class Refusal(msgspec.Struct, frozen=True):
    """`invariant` is an id, or empty where the run as a whole says nothing."""

    invariant: str
    reason: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.reason}" if self.invariant else self.reason


Identity = Callable[[Any], Any]
WRITTEN_ONCE: Final[dict[str, str]] = {
    "order_lines": "INV-09",
    "order_promotions": "INV-08",
    "price_corrections": "INV-08",
    "annulments": "INV-05",
    "order_conversions": "INV-08",
    "conversion_quotes": "INV-08",
    "order_deliveries": "INV-08",
    "order_transitions": "INV-12",
    "movements": "INV-01",
    "ledger": "INV-07",
    "shipment_transitions": "INV-12",
}
"""Tables whose rows never change, and the invariant whose witness each is."""
KEPT: Final[dict[str, tuple[str, Identity]]] = {
    "orders": (
        "INV-09",
        lambda row: (row.id, row.customer_id, row.idempotency_key, row.total_minor, row.currency, row.placed_at),
    ),
    "reservations": ("INV-03", lambda row: (row.id, row.sku, row.warehouse, row.quantity)),
    "payments": ("INV-06", lambda row: (row.id, row.order_id, row.amount_minor, row.currency)),
    "payment_attempts": ("INV-05", lambda row: (row.id, row.payment_id, row.idempotency_key)),
    "authorisations": ("INV-05", lambda row: (row.payment_id, row.psp_payment_id, row.authorised_minor)),
    "disputes": ("INV-06", lambda row: (row.id, row.payment_id, row.amount_minor)),
    "refunds": ("INV-06", lambda row: (row.id, row.payment_id, row.amount_minor)),
    "shipments": ("INV-11", lambda row: (row.id, row.order_id)),
    "deliveries": ("INV-17", lambda row: (row.id, row.event_id, row.recipient)),
    "sagas": ("INV-11", lambda row: row.order_id),
    "outbox": ("INV-13", lambda row: (row.service, row.id)),
    "inbox": ("INV-14", lambda row: (row.consumer, row.event_id)),
    "dead_letters": ("INV-14", lambda row: (row.consumer, row.event_id)),
    "idempotency": ("INV-10", lambda row: (row.service, row.scope, row.key)),
}
"""Tables whose rows change and stay, by what of a row never changes."""
JOURNALS: Final = {"psp": "INV-05", "carrier": "INV-11", "smtp": "INV-17", "tap": "INV-13", "exchange": "INV-08"}
"""Journals of the outside world are only added to."""
FILES: Final = {"facts.json": "INV-02", "history.jsonl": "INV-09", "plan.json": "INV-09", "logs.jsonl.gz": "INV-25"}
"""Files of a run beside tables and journals, and the invariant that is judged by each."""


def of_verdict(verdict: Verdict) -> list[Refusal]:
    """Violations, and what was too weak to judge: nobody passes who made sure that nothing could be seen."""
    found: list[Refusal] = []
    for result in verdict.results:
        if result.outcome is Outcome.FAIL:
            example = result.first.message if result.first else result.name
            found.append(Refusal(result.id, f"{result.violations} × violated, first: {example}"))
        elif result.outcome is Outcome.INVALID:
            found.append(Refusal(result.id, f"cannot be judged: {'; '.join(result.weaknesses)}"))
    found.extend(Refusal("", f"the run says nothing: {weakness}") for weakness in verdict.weaknesses)
    return found


def of_lost_evidence(before: Evidence, now: Evidence) -> list[Refusal]:
    """What was stored or witnessed when the load had ended and is no longer there, or is something else."""
    found: list[Refusal] = []
    for table, invariant in WRITTEN_ONCE.items():
        found += _lost(invariant, f"rows of {table}", _every(before.audit, table), _every(now.audit, table))
    for table, (invariant, identity) in KEPT.items():
        earlier, later = map(identity, _every(before.audit, table)), map(identity, _every(now.audit, table))
        found += _lost(invariant, f"rows of {table}", earlier, later)
    for journal, invariant in JOURNALS.items():
        earlier, later = _every(before.journals, journal), _every(now.journals, journal)
        found += _lost(invariant, f"lines of the {journal} journal", map(_encoded, earlier), map(_encoded, later))
    return found


def of_files(before: Mapping[str, str], now: Mapping[str, str]) -> list[Refusal]:
    """Files of the run whose digests are no longer what they were."""
    return [
        Refusal(_witness_of_file(name), f"{name} of the run was changed or removed")
        for name, digest in before.items()
        if now.get(name) != digest
    ]


def of_views(before: Mapping[str, str], now: Mapping[str, str]) -> list[Refusal]:
    """Audit views, as `service.view`, that are no longer defined as they were."""
    return [
        Refusal(witness_of(view.partition(".")[2]), f"the audit view {view} was changed or removed")
        for view, definition in before.items()
        if now.get(view) != definition
    ]


def harmed(before: Evidence, now: Evidence, *, concerned: Iterable[str]) -> dict[str, Refusal]:
    """By order id: orders that were right when the load had ended, and are cancelled or paid back since."""
    earlier, later = in_scope(before), in_scope(now)
    scarce = set(earlier.facts.scarce_skus)
    found: dict[str, Refusal] = {}
    for order_id in earlier.orders.keys() - set(concerned):
        order, present = earlier.orders[order_id], later.orders.get(order_id)
        if present is None or order.status in CANCELLED_STATUSES:
            continue
        if present.status in CANCELLED_STATUSES:
            of_scarce = any(line.sku in scarce for line in earlier.lines_of.get(order_id, ()))
            invariant = "INV-03" if of_scarce else "INV-09"
            found[order_id] = Refusal(invariant, f"{order.number or order_id} was right and has been cancelled")
        elif _paid_back(later, order_id) > _paid_back(earlier, order_id):
            found[order_id] = Refusal("INV-06", f"{order.number or order_id} was right and has been paid back")
    return found


def of_harm(orders: Mapping[str, Refusal]) -> list[Refusal]:
    """One refusal for each invariant, with the first few orders."""
    by_invariant: dict[str, list[str]] = {}
    for refusal in orders.values():
        by_invariant.setdefault(refusal.invariant, []).append(refusal.reason)
    return [
        Refusal(invariant, f"{len(reasons)} orders harmed: {'; '.join(sorted(reasons)[:NAMED_MAX])}")
        for invariant, reasons in sorted(by_invariant.items())
    ]


def witness_of(table: str) -> str:
    """The invariant that is judged by a table or a journal."""
    if table in KEPT:
        return KEPT[table][0]
    return WRITTEN_ONCE.get(table) or JOURNALS.get(table) or OTHER_TABLES.get(table, "INV-09")


OTHER_TABLES: Final = {
    "stock": "INV-01",
    "purchase_limits": "INV-04",
    "webhooks": "INV-14",
    "order_facts": "INV-16",
    "documents": "INV-16",
    "index": "INV-16",
    "revenue_daily": "INV-16",
    "prices": "INV-08",
    "tax_rates": "INV-08",
    "coupons": "INV-04",
    "promotions": "INV-08",
    "shipping_rates": "INV-08",
    "shipping_quotes": "INV-08",
    "item_measures": "INV-08",
    "variants": "INV-08",
}


def _witness_of_file(name: str) -> str:
    return FILES.get(name) or witness_of(name.rpartition("/")[2].partition(".")[0])


def _every(tables: Any, name: str) -> list[Any]:
    return getattr(tables, name)


def _encoded(line: msgspec.Struct) -> bytes:
    return msgspec.json.encode(line)


def _lost(invariant: str, what: str, before: Iterable[Any], now: Iterable[Any]) -> list[Refusal]:
    missing = sum((Counter(before) - Counter(now)).values())
    return [Refusal(invariant, f"{missing} {what} were changed or removed")] if missing else []


def _paid_back(evidence: Evidence, order_id: str) -> int:
    """By the provider's own word, in minor units."""
    return evidence.psp_account(order_id).refunded_minor
