"""Narrows evidence to one run: a stack keeps the rows of its seed and of earlier runs.

An order belongs to the run if it was placed after the run began and before another one did, or if the run's clients
speak of it.
Rows of unknown orders stay when they were written during the run: they may be the very damage. What was written of one
before the run is damage of another, and so is all that is said of that order since.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import Row
from scenarios.evidence.views import AuditTables
from scenarios.world.journals import Journals

RowT = TypeVar("RowT", bound=Row)


def in_scope(evidence: Evidence) -> Evidence:
    """The same evidence without what belongs to other runs. Stock, movements and reservations of the
    run's SKUs stay whole, because conservation has no beginning.
    """
    started_at = evidence.facts.started_at
    named = {purchase.answer.order_id for purchase in evidence.purchases}
    known = {order.id for order in evidence.audit.orders}
    until = evidence.facts.others_from or float("inf")
    own = {order.id for order in evidence.audit.orders if started_at <= order.placed_at < until or order.id in named}
    left_behind = _left_behind(evidence.audit, started_at).union(evidence.facts.residue.undated_orders)
    foreign = frozenset((known | left_behind) - own)
    skus = frozenset(evidence.facts.skus)

    def mine(order_id: str, at: float | None) -> bool:
        if order_id in own:
            return True
        return order_id not in foreign and (at is None or at >= started_at)

    def of_sku(sku: str) -> bool:
        return not skus or sku in skus

    tables = evidence.audit
    payments = [row for row in tables.payments if mine(row.order_id, row.created_at)]
    payment_ids = {row.id for row in payments}
    shipments = [row for row in tables.shipments if mine(row.order_id, row.created_at)]
    shipment_ids = {row.id for row in shipments}
    outbox = [row for row in tables.outbox if row.created_at >= started_at]
    event_ids = {row.id for row in outbox}
    earlier_ids = {row.id for row in tables.outbox} - event_ids
    begins = _begins(evidence.journals, started_at)
    narrowed = AuditTables(
        outbox=outbox,
        inbox=_kept(
            tables.inbox,
            lambda row: row.event_id in event_ids or (row.applied_at >= started_at and row.event_id not in earlier_ids),
        ),
        dead_letters=_kept(
            tables.dead_letters,
            lambda row: (
                row.event_id in event_ids
                or (
                    row.created_at >= started_at
                    and row.event_id not in earlier_ids
                    and row.offset_ >= begins.get((row.topic, row.partition), 0)
                )
            ),
        ),
        idempotency=_kept(tables.idempotency, lambda row: started_at <= row.created_at < until),
        stock=_kept(tables.stock, lambda row: of_sku(row.sku)),
        reservations=_kept(tables.reservations, lambda row: of_sku(row.sku)),
        movements=_kept(tables.movements, lambda row: of_sku(row.sku)),
        purchase_limits=_kept(tables.purchase_limits, lambda row: of_sku(row.sku)),
        orders=_kept(tables.orders, lambda row: row.id in own),
        order_lines=_kept(tables.order_lines, lambda row: row.order_id in own),
        order_conversions=_kept(tables.order_conversions, lambda row: row.order_id in own),
        order_deliveries=_kept(tables.order_deliveries, lambda row: row.order_id in own),
        order_transitions=_kept(tables.order_transitions, lambda row: mine(row.order_id, row.at)),
        sagas=_kept(tables.sagas, lambda row: mine(row.order_id, row.started_at)),
        payments=payments,
        payment_attempts=_kept(tables.payment_attempts, lambda row: row.payment_id in payment_ids),
        authorisations=_kept(tables.authorisations, lambda row: mine(row.order_id, row.created_at)),
        disputes=_kept(tables.disputes, lambda row: mine(row.order_id, row.created_at)),
        annulments=_kept(tables.annulments, lambda row: mine(row.order_id, row.created_at)),
        refunds=_kept(tables.refunds, lambda row: mine(row.order_id, row.created_at)),
        conversion_quotes=tables.conversion_quotes,
        ledger=tables.ledger,
        webhooks=_kept(tables.webhooks, lambda row: row.received_at >= started_at),
        shipments=shipments,
        shipment_transitions=_kept(tables.shipment_transitions, lambda row: row.shipment_id in shipment_ids),
        deliveries=_kept(tables.deliveries, lambda row: mine(row.order_id, row.sent_at)),
        order_facts=_kept(tables.order_facts, lambda row: mine(row.order_id, row.placed_at)),
        revenue_daily=tables.revenue_daily,
        prices=tables.prices,
        variants=tables.variants,
        tax_rates=tables.tax_rates,
        coupons=tables.coupons,
        promotions=tables.promotions,
        order_promotions=_kept(tables.order_promotions, lambda row: row.order_id in own),
        price_corrections=_kept(tables.price_corrections, lambda row: row.order_id in own),
        shipping_rates=tables.shipping_rates,
        shipping_quotes=tables.shipping_quotes,
        item_measures=tables.item_measures,
        documents=tables.documents,
        index=tables.index,
    )
    journals = evidence.journals
    return replace(
        evidence,
        audit=narrowed,
        journals=Journals(
            psp=[
                line
                for line in journals.psp
                if line.at >= started_at
                and (line.event_id or not {line.merchant_reference, line.payment_reference} & foreign)
            ],
            carrier=[
                line
                for line in journals.carrier
                if line.at >= started_at and (line.event_id or line.order_id not in foreign)
            ],
            smtp=[line for line in journals.smtp if line.at >= started_at and line.order_id not in foreign],
            sms=[line for line in journals.sms if line.at >= started_at],
            faults=[line for line in journals.faults if line.at >= started_at],
            exchange=journals.exchange,
            tap=[
                line
                for line in journals.tap
                if line.event_id in event_ids
                or (line.timestamp_ms >= started_at * 1000 and line.event_id not in earlier_ids)
            ],
        ),
        foreign_orders=foreign,
        foreign_facts=tuple(row for row in tables.order_facts if not mine(row.order_id, row.placed_at)),
    )


def _begins(journals: Journals, since: float) -> dict[tuple[str, int], int]:
    """By topic and partition the first record written since then; a letter of one before it is of another run, also
    where nobody has its event in an outbox.
    """
    begins: dict[tuple[str, int], int] = {}
    for line in journals.tap:
        if line.kind != "rewound" and line.timestamp_ms >= since * 1000:
            place = line.topic, line.partition
            begins[place] = min(line.offset, begins.get(place, line.offset))
    return begins


def _left_behind(tables: AuditTables, before: float) -> set[str]:
    """The orders of which anything was written before that moment, whether or not there ever was such an order."""
    written = (
        *((row.order_id, row.created_at) for row in tables.payments),
        *((row.order_id, row.created_at) for row in tables.ledger),
        *((row.order_id, row.created_at) for row in tables.authorisations),
        *((row.order_id, row.created_at) for row in tables.disputes),
        *((row.order_id, row.created_at) for row in tables.refunds),
        *((row.order_id, row.created_at) for row in tables.shipments),
        *((row.order_id, row.started_at) for row in tables.sagas),
        *((row.order_id, row.at) for row in tables.order_transitions),
        *((row.order_id, row.placed_at) for row in tables.order_facts),
        *((row.order_id, row.sent_at) for row in tables.deliveries),
    )
    return {order_id for order_id, at in written if order_id and at is not None and at < before}


def _kept(rows: Iterable[RowT], keep: Callable[[RowT], bool]) -> list[RowT]:
    return [row for row in rows if keep(row)]
