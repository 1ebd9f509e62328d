"""Stock that is moved between warehouses, counted and sent back is conserved all the same."""

from scenarios.checkers import Outcome
from scenarios.evidence import Evidence
from scenarios.evidence.rows import StockRow
from tests.support.anomalies import PAID, alter, change, judged, where
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import SKU, WAREHOUSE, fixed_id


def moved(evidence: Evidence, kind: str, delta: int, *, warehouse: str = WAREHOUSE, order: str = "") -> None:
    """A movement of units on hand, and the column that follows."""
    receipt = evidence.audit.movements[where(evidence.audit.movements, type="receive")]
    evidence.audit.movements.append(
        change(
            receipt,
            id=fixed_id(f"{kind} {warehouse} {delta}"),
            type=kind,
            on_hand_delta=delta,
            warehouse=warehouse,
            reservation_id=order,
            reference="x",
        )
    )
    if all(row.warehouse != warehouse for row in evidence.audit.stock):
        evidence.audit.stock.append(StockRow(warehouse, SKU, 0, 0, 0))
    (row,) = (row for row in evidence.audit.stock if (row.warehouse, row.sku) == (warehouse, SKU))
    alter(evidence.audit.stock, {"on_hand": row.on_hand + delta}, warehouse=warehouse, sku=SKU)


def test_parcels_that_share_their_orders_goods_are_no_second_sending() -> None:
    evidence = FlashSale().evidence()
    place = where(evidence.audit.shipments, order_id=PAID)
    first = evidence.audit.shipments[place]
    line = where(evidence.audit.order_lines, order_id=PAID)
    evidence.audit.order_lines[line] = change(evidence.audit.order_lines[line], quantity=3)
    for units, outcome in ((2, Outcome.PASS), (3, Outcome.FAIL)):
        evidence.audit.shipments[place] = change(first, units=1)
        evidence.audit.shipments.append(change(first, id=fixed_id(f"second of {units}"), units=units))
        assert judged(evidence, "INV-14").outcome is outcome
        evidence.audit.shipments.pop()


def test_transfers_counts_and_returns_conserve_stock() -> None:
    evidence = FlashSale().evidence()
    moved(evidence, "transfer", -2)
    moved(evidence, "transfer", 2, warehouse="north")
    moved(evidence, "adjust", -1)
    moved(evidence, "restock", 1, order=PAID)
    for invariant in ("INV-01", "INV-03"):
        result = judged(evidence, invariant)
        assert (result.outcome, result.counts) == (Outcome.PASS, {}), invariant
