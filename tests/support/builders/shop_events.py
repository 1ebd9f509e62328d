"""The events of a shop's life as analytics receives them, at moments of the test's choice."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from shared.contracts import Address, Envelope, Event, OrderLine, StockLine
from shared.contracts.catalog import ProductUpserted
from shared.contracts.inventory import InventoryCommitted, InventoryReleased, InventoryReserved, StockAdjusted
from shared.contracts.orders import OrderCancelled, OrderCompleted, OrderCreated, OrderPaid, OrderRefunded, OrderShipped
from shared.contracts.payments import PaymentProcessed, PaymentRefunded, PaymentRefundFailed, RefundReversed
from shared.ids import new_id

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ADDRESS = Address(name="Ann", line1="1 Road", city="Town", postal_code="1", country="IE")


def told(event: Event, aggregate_id: object, version: int = 1, *, at: datetime = NOON) -> Envelope[Event]:
    """The event in its envelope, as of a moment."""
    return Envelope(
        id=new_id(), type=event.type, version=event.schema_version, aggregate_id=str(aggregate_id),
        aggregate_version=version, occurred_at=at, data=event,
    )  # fmt: skip


class Order:
    """An order of `units` of one SKU for `total_minor`; each method is something that happens to it."""

    def __init__(
        self, *, sku="SKU-1", product_id=None, units=1, total_minor=3_000, currency="EUR", customer_id=None, at=NOON
    ):
        self.id, self.payment_id = uuid4(), uuid4()
        self.customer_id: UUID = customer_id or uuid4()
        self.currency, self.total_minor, self.at = currency, total_minor, at
        self.line = OrderLine(
            sku=sku, product_id=product_id or uuid4(), title=sku, quantity=units, unit_price_minor=total_minor // units,
            line_total_minor=total_minor,
        )  # fmt: skip
        self._versions: dict[object, int] = {}
        self._minutes = 0

    def _happens(self, kind, aggregate, **more):
        """The next change of the aggregate, a minute after what happened before."""
        self._versions[aggregate] = self._versions.get(aggregate, 0) + 1
        at = self.at + timedelta(minutes=self._minutes)
        self._minutes += 1
        return told(kind(**more), aggregate, self._versions[aggregate], at=at)

    def _order(self, kind, **more):
        return self._happens(
            kind, self.id, order_id=self.id, order_number="SO-1", customer_id=self.customer_id, email="ann@example.com",
            currency=self.currency, total_minor=self.total_minor, **more,
        )  # fmt: skip

    def _payment(self, kind, amount_minor, **more):
        return self._happens(
            kind, self.payment_id, payment_id=self.payment_id, order_id=self.id, customer_id=self.customer_id,
            email="ann@example.com", order_number="SO-1", amount_minor=amount_minor, currency=self.currency, **more,
        )  # fmt: skip

    def _stock(self, kind, **more):
        lines = [StockLine(sku=self.line.sku, quantity=self.line.quantity, warehouse="main")]
        return self._happens(
            kind, f"hold {self.id}", reservation_id=self.id, order_id=self.id, customer_id=self.customer_id,
            lines=lines, **more,
        )  # fmt: skip

    def held(self):
        return self._stock(InventoryReserved, expires_at=self.at + timedelta(minutes=10))

    def created(self):
        return self._order(
            OrderCreated, lines=[self.line], subtotal_minor=self.total_minor, discount_minor=0, tax_minor=0,
            shipping_minor=0, payment_method="tok_visa", shipping_method="standard", shipping_address=ADDRESS,
            placed_at=self.at,
        )  # fmt: skip

    def captured(self):
        return self._payment(PaymentProcessed, self.total_minor, psp_payment_id="p1")

    def paid(self):
        return self._order(
            OrderPaid, payment_id=self.payment_id, lines=[self.line], shipping_address=ADDRESS,
            shipping_method="standard",
        )  # fmt: skip

    def committed(self):
        return self._stock(InventoryCommitted)

    def released(self, reason="expired"):
        return self._stock(InventoryReleased, reason=reason)

    def shipped(self):
        return self._order(OrderShipped, shipment_id=uuid4(), carrier="dhl", tracking_number="T1")

    def completed(self):
        return self._order(OrderCompleted)

    def cancelled(self):
        return self._order(OrderCancelled, reason="asked", lines=[self.line])

    def refunded(self, amount_minor, reason="returned"):
        return self._payment(
            PaymentRefunded, amount_minor, refund_id=uuid4(), refunded_minor=amount_minor, reason=reason
        )

    def refund_reversed(self, amount_minor, reversed_minor=0):
        return self._payment(RefundReversed, amount_minor, reversed_minor=reversed_minor or amount_minor)

    def refund_failed(self, amount_minor, reason="returned"):
        return self._payment(PaymentRefundFailed, amount_minor, refund_id=uuid4(), reason=reason)

    def refund_told(self, refunded_minor):
        return self._order(OrderRefunded, refunded_minor=refunded_minor)

    def corrected(self, total_minor):
        """A newer event of the order has another total."""
        self.total_minor = total_minor
        return self.shipped()

    def fulfilled(self):
        """From the hold to the delivery."""
        return [
            self.held(), self.created(), self.captured(), self.paid(), self.committed(), self.shipped(),
            self.completed(),
        ]  # fmt: skip


def received(sku, quantity, *, on_hand=0, warehouse="main", version=1, at=NOON):
    """Goods came in."""
    event = StockAdjusted(sku=sku, warehouse=warehouse, on_hand=on_hand, available=on_hand, quantity=quantity)
    return told(event, f"{warehouse}/{sku}", version, at=at)


def product(product_id, title, *, category="things", version=1, at=NOON):
    """A product is in the catalog."""
    event = ProductUpserted(
        product_id=product_id, slug="s", title=title, description="", category=category, status="active", variants=[]
    )
    return told(event, product_id, version, at=at)


def as_of(event: Envelope[Event], at: datetime) -> Envelope[Event]:
    """The same event, happened at another moment."""
    return msgspec.structs.replace(event, occurred_at=at)
