"""Audit rows of stock and orders, consistent unless a test spoils them; ids are whatever the test calls them."""

from collections import defaultdict
from dataclasses import dataclass, field

import msgspec

from scenarios.evidence import AuditTables
from scenarios.evidence import rows as audit

WAREHOUSE = "main"
NOW = 1_764_000_000.0


@dataclass
class StockRows:
    """Goods come in, orders hold them; the stock's columns follow the movements."""

    tables: AuditTables = field(default_factory=AuditTables)
    _figures: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def received(self, sku: str, quantity: int, *, kind: str = "receive") -> None:
        self._moved(sku, kind, on_hand=quantity, reserved=0)

    def ordered(self, order_id: str, *, at: float = 0.0, status: str = "paid", held: bool = True, **units: int) -> None:
        """An order placed `at` seconds into the sale; without `held` it is one the stock knows nothing of."""
        self.tables.orders.append(
            audit.OrderRow(
                id=order_id,
                customer_id=f"customer of {order_id}",
                email="buyer@example.com",
                status=status,
                currency="EUR",
                subtotal_minor=100,
                discount_minor=0,
                tax_minor=0,
                shipping_minor=0,
                total_minor=100,
                refunded_minor=0,
                idempotency_key=f"key of {order_id}",
                placed_at=NOW + at,
                updated_at=NOW + at,
            )
        )
        for sku, quantity in units.items():
            self.tables.order_lines.append(audit.OrderLineRow(order_id, sku, quantity, 100, 100 * quantity))
            if held:
                self.held(order_id, sku, quantity)

    def held(self, order_id: str, sku: str, quantity: int) -> None:
        """A live hold, whether or not its order exists."""
        self.tables.reservations.append(
            audit.ReservationRow(
                id=order_id,
                order_id=order_id,
                customer_id=f"customer of {order_id}",
                status="held",
                sku=sku,
                warehouse=WAREHOUSE,
                quantity=quantity,
                created_at=NOW,
            )
        )
        self._moved(sku, "reserve", on_hand=0, reserved=quantity)

    def saga(self, order_id: str, status: str) -> None:
        self.tables.sagas.append(
            audit.SagaRow(order_id=order_id, step="reserve", status=status, attempts=1, started_at=NOW)
        )

    def dead_letter(self, consumer: str, *, redriven_at: float | None = None) -> None:
        self.tables.dead_letters.append(
            audit.DeadLetterRow(
                service=consumer,
                consumer=consumer,
                event_id=f"event {len(self.tables.dead_letters)}",
                topic="orders",
                partition=0,
                offset_=len(self.tables.dead_letters),
                reason="handler",
                attempts=5,
                parked=False,
                created_at=NOW,
                redriven_at=redriven_at,
            )
        )

    def status_becomes(self, order_id: str, status: str) -> None:
        self.tables.orders[:] = [
            msgspec.structs.replace(order, status=status) if order.id == order_id else order
            for order in self.tables.orders
        ]

    def released(self, sku: str, order_id: str) -> None:
        """The hold of an order on a SKU ends and its units are free again."""
        for index, row in enumerate(self.tables.reservations):
            if (row.sku, row.id, row.status) == (sku, order_id, "held"):
                self.tables.reservations[index] = msgspec.structs.replace(row, status="released", ended_at=NOW)
                self._moved(sku, "release", on_hand=0, reserved=-row.quantity)

    def recounted(self, sku: str) -> None:
        """The columns say what the movements sum to."""
        on_hand, reserved = self._figures[sku]
        self.tables.stock[:] = [row for row in self.tables.stock if row.sku != sku]
        self.tables.stock.append(audit.StockRow(WAREHOUSE, sku, on_hand, reserved, 1))

    def _moved(self, sku: str, kind: str, *, on_hand: int, reserved: int) -> None:
        self.tables.movements.append(
            audit.MovementRow(
                id=f"movement {len(self.tables.movements)}",
                warehouse=WAREHOUSE,
                sku=sku,
                type=kind,
                on_hand_delta=on_hand,
                reserved_delta=reserved,
                created_at=NOW,
            )
        )
        self._figures[sku][0] += on_hand
        self._figures[sku][1] += reserved
        self.recounted(sku)
