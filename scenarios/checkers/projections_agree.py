"""INV-16: analytics' figures are those of the services whose events it counts, and the index shows what is sold.

Per order its total and money, per currency the daily revenue summed up; the witnesses are the orders and the ledger,
which no event ever passes on its way to analytics. Per product of the run what Elasticsearch itself holds is compared
with the catalog.
"""

from collections import defaultdict
from collections.abc import Iterator

from scenarios.checkers.in_order import DELETED, newest_product_events
from scenarios.checkers.money_reconciles import RECEIVABLE, Sums, ledger_book
from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import IndexedRow, OrderFactRow, OrderRow, OutboxRow, VariantRow
from scenarios.money_text import money_text

OWED = frozenset({"capture", "refund", "refund_reversed"})
"""A capture beyond the one owed is booked and given back; neither is revenue."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    findings.require(evidence.audit.order_facts, "analytics counted no order")
    facts = {fact.order_id: fact for fact in evidence.audit.order_facts}
    booked = _booked(evidence)
    for order in evidence.audit.orders:
        findings.check()
        if order.id not in facts:
            findings.violation("order_not_counted", f"the order is {order.status}, unknown there", order_id=order.id)
            continue
        _judge_order(evidence, order, facts[order.id], booked.get(order.id, Sums()), findings)
    for order_id in sorted(facts.keys() - evidence.orders.keys()):
        findings.damage(
            "counted_without_order",
            "analytics counts an order that does not exist",
            undone=_is_counted_as_annulled(evidence, facts[order_id]),
            order_id=order_id,
        )
    _judge_revenue(evidence, findings)
    _judge_index(evidence, findings)
    return findings.result()


def uncounted_orders(evidence: Evidence) -> set[str]:
    """The orders whose figures analytics does not have, or has otherwise than orders and ledger."""
    facts = {fact.order_id: fact for fact in evidence.audit.order_facts}
    booked = _booked(evidence)
    return {
        order.id
        for order in evidence.audit.orders
        if order.id not in facts or _differences(evidence, order, facts[order.id], booked.get(order.id, Sums()))
    } | {
        order_id
        for order_id in facts.keys() - evidence.orders.keys()
        if not _is_counted_as_annulled(evidence, facts[order_id])
    }


def _is_counted_as_annulled(evidence: Evidence, fact: OrderFactRow) -> bool:
    """Money came and went back for an order that never was; both are counted."""
    return fact.order_id in evidence.annulled and fact.paid_minor == fact.refunded_minor


def _judge_order(evidence: Evidence, order: OrderRow, fact: OrderFactRow, booked: Sums, findings: Findings) -> None:
    if differences := _differences(evidence, order, fact, booked):
        findings.violation(
            "figures_differ",
            f"analytics has {', '.join(differences)}",
            order_id=order.id,
            weight=max(1, abs(fact.paid_minor - booked.captured_minor)),
        )


def _differences(evidence: Evidence, order: OrderRow, fact: OrderFactRow, booked: Sums) -> list[str]:
    cancelled = order.status == "cancelled" or order.id in evidence.cancelled_at
    return [
        f"{what} {there} instead of {here}"
        for what, there, here in (
            ("currency", fact.currency, order.currency),
            ("total", money_text(fact.total_minor, fact.currency), money_text(order.total_minor, order.currency)),
            ("paid", money_text(fact.paid_minor, fact.currency), money_text(booked.captured_minor, order.currency)),
            ("refunded", money_text(fact.refunded_minor, fact.currency), _refunded(booked, order)),
            ("cancelled", str(fact.status == "cancelled").lower(), str(cancelled).lower()),
        )
        if there != here
    ]


def _refunded(booked: Sums, order: OrderRow) -> str:
    return money_text(booked.refunded_minor, order.currency)


def _booked(evidence: Evidence) -> dict[str, Sums]:
    """Per order what the ledger says was captured as owed, and refunded."""
    book: dict[str, Sums] = defaultdict(Sums)
    for (order_id, _), sums in ledger_book(evidence, kinds=OWED).items():
        book[order_id] = sums
    return dict(book)


def _judge_revenue(evidence: Evidence, findings: Findings) -> None:
    """The ledger and the daily revenue both keep every order there ever was; those of other runs are taken off both,
    as each of the two has them, and so is what the revenue had beside them before the run.
    """
    told: dict[str, Sums] = defaultdict(Sums)
    for day in evidence.audit.revenue_daily:
        told[day.currency].captured_minor += day.paid_minor
        told[day.currency].refunded_minor += day.refunded_minor
    for fact in evidence.foreign_facts:
        told[fact.currency].captured_minor -= fact.paid_minor
        told[fact.currency].refunded_minor -= fact.refunded_minor
    for currency, (paid_minor, refunded_minor) in evidence.facts.residue.revenue.items():
        told[currency].captured_minor -= paid_minor
        told[currency].refunded_minor -= refunded_minor
    foreign = evidence.foreign_orders | {fact.order_id for fact in evidence.foreign_facts}
    booked: dict[str, Sums] = defaultdict(Sums)
    for row in evidence.audit.ledger:
        if row.account != RECEIVABLE or row.kind not in OWED or row.order_id in foreign:
            continue
        if row.kind == "capture":
            booked[row.currency].captured_minor += row.amount_minor
        else:
            booked[row.currency].refunded_minor -= row.amount_minor
    for currency in sorted({*told, *booked}):
        findings.check()
        if told[currency] != booked[currency]:
            difference = abs(told[currency].net_minor - booked[currency].net_minor)
            findings.violation(
                "revenue_differs",
                f"revenue: {told[currency].said(currency)}; the ledger: {booked[currency].said(currency)}",
                currency=currency,
                amount_minor=difference,
                weight=max(1, difference),
            )


def _judge_index(evidence: Evidence, findings: Findings) -> None:
    """At rest nothing is on its way to the index any more."""
    waiting = _waiting(evidence)
    for variant, event in _sold(evidence):
        findings.check()
        if variant.product_id in waiting:
            findings.violation(
                "index_behind", f"{variant.sku} is not indexed as it is", sku=variant.sku, event_id=event.id
            )
    for variant, event, found in index_differences(evidence):
        there = f"{money_text(found.price_minor, found.currency)}, version {found.version}" if found else "nothing"
        findings.violation(
            "index_differs",
            f"the index has {there} of {variant.sku}, the catalog "
            f"{money_text(variant.price_minor, variant.currency)}, version {event.aggregate_version}",
            sku=variant.sku,
            event_id=event.id,
            at=event.created_at,
        )


def index_differences(evidence: Evidence) -> Iterator[tuple[VariantRow, OutboxRow, IndexedRow | None]]:
    """What the index has otherwise than the catalog, or not at all; what is on its way there is left out."""
    indexed = {(row.product_id, row.sku): row for row in evidence.audit.index}
    waiting = _waiting(evidence)
    for variant, event in _sold(evidence):
        found = indexed.get((variant.product_id, variant.sku))
        wanted = IndexedRow(
            variant.product_id, event.aggregate_version, variant.sku, variant.price_minor, variant.currency
        )
        if found != wanted and variant.product_id not in waiting:
            yield variant, event, found


def _sold(evidence: Evidence) -> list[tuple[VariantRow, OutboxRow]]:
    """The variants that the catalog told of in this run and sells, each with the newest event of its product."""
    told = newest_product_events(evidence)
    both = ((variant, told.get(variant.product_id)) for variant in evidence.audit.variants)
    return [(variant, event) for variant, event in both if event is not None and event.type != DELETED]


def _waiting(evidence: Evidence) -> frozenset[str]:
    return frozenset(row.product_id for row in evidence.audit.documents if row.indexed_version < row.version)


CHECKER = Checker(
    id="INV-16",
    name="projections-agree",
    statement="analytics' orders and revenue = orders and ledger; the index shows what the catalog sells",
    witness="orders × ledger; catalog × Elasticsearch",
    needs=(
        "analytics.order_facts",
        "analytics.revenue_daily",
        "orders.orders",
        "payments.ledger",
        "catalog.variants",
        "search.documents",
        "search.index",
    ),
    examine=examine,
)
