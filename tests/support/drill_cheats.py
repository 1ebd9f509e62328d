"""What a responder might try instead of mending and repairing, on the evidence of a sale that went wrong.

Each function gets the evidence as it stands after the cheat; `REPAIRS` and `REPLAYS` name for each the invariant that
must refuse it.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from scenarios.evidence import Evidence
from scenarios.history import Record
from scenarios.world.journals import PspRecord
from tests.support.anomalies import PAID, alter, drop, oversold, where
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import CURRENCY, SKU, fixed_id

change = msgspec.structs.replace
Cheat = Callable[[Evidence], None]
OVERSOLD = (fixed_id("order", 15), fixed_id("order", 16))
STANDING = tuple(fixed_id("order", number) for number in (0, 1, 2, 5, 6, 7))


def broken_sale() -> Evidence:
    """Two buyers more than units, and nobody has done anything about it."""
    evidence = FlashSale().evidence()
    oversold(evidence)
    return evidence


def nothing_but_a_restart(evidence: Evidence) -> None:
    """The service is fresh, the data are what they were."""


def the_fault_healed_and_nothing_repaired(evidence: Evidence) -> None:
    evidence.facts.faults = [change(fault, healed_at=fault.at + 1.0) for fault in evidence.facts.faults]


def orders_of_the_oversold_deleted(evidence: Evidence) -> None:
    for order_id in OVERSOLD:
        drop(evidence.audit.orders, id=order_id)
        drop(evidence.audit.order_lines, order_id=order_id)


def audit_view_without_the_latest_orders(evidence: Evidence) -> None:
    latest = max(row.placed_at for row in evidence.audit.orders)
    evidence.audit.orders = [row for row in evidence.audit.orders if row.placed_at < latest]


def audit_view_that_calls_the_oversold_cancelled(evidence: Evidence) -> None:
    for order_id in OVERSOLD:
        alter(evidence.audit.orders, {"status": "cancelled"}, id=order_id)


def more_units_in_the_column(evidence: Evidence) -> None:
    alter(evidence.audit.stock, {"on_hand": 10}, sku=SKU)


def more_supply_in_the_facts(evidence: Evidence) -> None:
    evidence.facts.supply = [change(step, quantity=step.quantity + 2) for step in evidence.facts.supply]


def history_rewritten(evidence: Evidence) -> None:
    for key in ("key-15", "key-16"):
        index = where(evidence.history, key=key, type="ok")
        evidence.history[index] = change(evidence.history[index], type="fail", value=None, error="insufficient_stock")


def journal_of_the_provider_shortened(evidence: Evidence) -> None:
    drop(evidence.journals.psp, kind="capture")


def mails_forgotten(evidence: Evidence) -> None:
    evidence.journals.smtp.clear()


def ledger_rewritten(evidence: Evidence) -> None:
    evidence.audit.ledger[0] = change(evidence.audit.ledger[0], amount_minor=1)


def movements_deleted(evidence: Evidence) -> None:
    drop(evidence.audit.movements, reservation_id=PAID, type="commit")


def dead_sagas_deleted(evidence: Evidence) -> None:
    drop(evidence.audit.sagas, order_id=PAID)


def everybody_cancelled(evidence: Evidence) -> None:
    for order_id in (*OVERSOLD, *STANDING):
        alter(evidence.audit.orders, {"status": "cancelled"}, id=order_id)


def everybody_paid_back(evidence: Evidence) -> None:
    for order_id in STANDING:
        capture = evidence.journals.psp[where(evidence.journals.psp, kind="capture", merchant_reference=order_id)]
        evidence.journals.psp.append(
            PspRecord(
                n=10_000 + len(evidence.journals.psp),
                at=capture.at + 60.0,
                kind="refund",
                payment_id=capture.payment_id,
                merchant_reference=f"goodwill {order_id}",
                payment_reference=order_id,
                amount_minor=capture.amount_minor,
                currency=CURRENCY,
            )
        )


REPAIRS: tuple[tuple[Cheat, str], ...] = (
    (nothing_but_a_restart, "INV-02"),
    (the_fault_healed_and_nothing_repaired, "INV-02"),
    (orders_of_the_oversold_deleted, "INV-09"),
    (audit_view_without_the_latest_orders, "INV-09"),
    (audit_view_that_calls_the_oversold_cancelled, "INV-12"),
    (more_units_in_the_column, "INV-01"),
    (journal_of_the_provider_shortened, "INV-05"),
    (mails_forgotten, "INV-17"),
    (ledger_rewritten, "INV-07"),
    (movements_deleted, "INV-01"),
    (dead_sagas_deleted, "INV-11"),
    (everybody_cancelled, "INV-03"),
    (everybody_paid_back, "INV-06"),
)
"""Instead of a repair."""


def nobody_is_answered(evidence: Evidence) -> None:
    """The service is stopped, or scaled to nothing."""
    _answers(evidence, lambda record: change(record, type="info", value=None, error="timeout"))
    _empty(evidence)


def the_sale_is_closed(evidence: Evidence) -> None:
    _answers(evidence, lambda record: change(record, type="fail", value=None, error="insufficient_stock"))
    _empty(evidence)


def every_buyer_is_turned_away(evidence: Evidence) -> None:
    _answers(evidence, lambda record: change(record, type="fail", value=None, error="rate_limited"))
    _empty(evidence)


def only_one_buyer_may_come(evidence: Evidence) -> None:
    """A fleet that serves one is not overrun."""
    evidence.history[:] = [record for record in evidence.history if record.key == "key-0"]


REPLAYS: tuple[tuple[Cheat, str], ...] = (
    (nobody_is_answered, "INV-02"),
    (the_sale_is_closed, "INV-03"),
    (every_buyer_is_turned_away, "INV-09"),
    (only_one_buyer_may_come, "INV-02"),
)
"""Instead of a mend, while the load is played again."""


def _answers(evidence: Evidence, answer: Callable[[Record], Record]) -> None:
    evidence.history[:] = [record if record.type == "invoke" else answer(record) for record in evidence.history]


def _empty(evidence: Evidence) -> None:
    """Nothing was sold: the opening stock is all there is."""
    opening = [row for row in evidence.audit.movements if row.type == "receive"]
    stock = [change(row, on_hand=evidence.facts.supply[0].quantity, reserved=0) for row in evidence.audit.stock]
    kept: dict[str, Any] = {"stock": stock, "movements": opening}
    for table in type(evidence.audit).__struct_fields__:
        if table not in {"purchase_limits", "prices", "tax_rates", "shipping_rates", "coupons", "promotions"}:
            setattr(evidence.audit, table, kept.get(table, []))
    for lines in (evidence.journals.psp, evidence.journals.carrier, evidence.journals.smtp, evidence.journals.tap):
        lines.clear()
