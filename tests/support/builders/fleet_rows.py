"""Rows and journal lines as a healthy fleet and its outside world would write them for one SKU.

Knows what a won, declined or refused order leaves behind; who buys is the business of `flash_sale`.
"""

import hashlib
import json
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5

import msgspec

from scenarios.evidence import AuditTables
from scenarios.evidence import rows as audit
from scenarios.world.journals import (
    FAULT_HEADER,
    REASON_HEADER,
    CarrierRecord,
    Journals,
    PspRecord,
    SmtpRecord,
    TapRecord,
)

STARTED_AT = 1_764_000_000.0
HISTORY_ORIGIN_AT = STARTED_AT + 1.0
LOAD_STARTED_AT = STARTED_AT + 2.0
SKU = "JACKET-1"
WAREHOUSE = "MAIN"
CURRENCY = "EUR"
PRICE_MINOR, TAX_MINOR, SHIPPING_MINOR = 5999, 1140, 490
TOTAL_MINOR = PRICE_MINOR + TAX_MINOR + SHIPPING_MINOR
COUNTRY, TAX_RATE_BP = "DE", 1900
DAY = "2025-11-24"
SUBSCRIPTIONS = {
    "inventory": ["order.created", "order.paid", "order.cancelled"],
    "payments": ["order.created", "order.cancelled"],
    "orders": ["payment.processed", "payment.failed", "shipment.dispatched"],
    "shipping": ["order.paid"],
    "notifications": ["order.paid", "order.shipped", "order.cancelled"],
    "search": ["product.upserted"],
    "analytics": ["order.created", "order.paid", "order.shipped", "order.cancelled", "payment.processed"],
}


def fixed_id(*parts: object) -> str:
    """A stable UUID for whatever `parts` name."""
    return str(uuid5(NAMESPACE_URL, "/".join(map(str, parts))))


PRODUCT = fixed_id("product")


def chained_hash(entry: audit.LedgerRow) -> str:
    """The ledger's hash as the payments service defines it, written down a second time."""
    said = [
        entry.previous_hash,
        entry.id,
        entry.transaction_id,
        entry.account,
        entry.amount_minor,
        entry.currency,
        entry.order_id,
        entry.kind,
    ]
    return hashlib.sha256(json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


@dataclass
class FleetRows:
    """Everything that is stored; the public methods tell the story of one order each."""

    tables: AuditTables = field(default_factory=AuditTables)
    journals: Journals = field(default_factory=lambda: Journals([], [], [], [], [], []))
    _offsets: dict[str, int] = field(default_factory=dict)
    _versions: dict[tuple[str, str], int] = field(default_factory=dict)
    _last_hash: str = ""

    def open_stock(self, supply: int) -> None:
        self.tables.purchase_limits.append(audit.PurchaseLimitRow(SKU, 1))
        self.tables.stock.append(audit.StockRow(WAREHOUSE, SKU, 0, 0, 1))
        self._moved("receive", STARTED_AT, supply, 0, reference="opening")
        self.tables.prices.append(
            audit.PriceRow(sku=SKU, currency=CURRENCY, price_minor=PRICE_MINOR, valid_from=STARTED_AT - 60)
        )
        self.tables.variants.append(audit.VariantRow(SKU, "standard", STARTED_AT - 60, PRODUCT, PRICE_MINOR, CURRENCY))
        self.tables.tax_rates.append(audit.TaxRateRow(COUNTRY, "standard", TAX_RATE_BP))
        self.tables.coupons.append(audit.CouponRow(code="TENTH", rate_bp=1000))
        for weight_g_max, amount_minor in ((1_000, SHIPPING_MINOR), (5_000, 690)):
            self.tables.shipping_rates.append(
                audit.ShippingRateRow(
                    country=COUNTRY,
                    method="standard",
                    currency=CURRENCY,
                    weight_g_max=weight_g_max,
                    amount_minor=amount_minor,
                    free_from_minor=10_000,
                    updated_at=STARTED_AT - 60,
                    carrier="parcelpost",
                )
            )
        self.tables.revenue_daily.append(audit.RevenueRow(DAY, CURRENCY, 0, 0, 0))
        self._shown()

    def _shown(self) -> None:
        """The product told once, kept by search and indexed."""
        self._event("catalog", "product.upserted", PRODUCT, STARTED_AT + 0.1)
        self.tables.documents.append(audit.DocumentRow(product_id=PRODUCT, version=1, deleted=False, indexed_version=1))
        self.tables.index.append(audit.IndexedRow(PRODUCT, 1, SKU, PRICE_MINOR, CURRENCY))

    def poisoned(self, at: float) -> TapRecord:
        """A record that a fault put among the orders' events, refused by everybody who reads them."""
        topic = "orders.events"
        offset = self._offsets[topic] = sum(line.topic == topic for line in self.journals.tap)
        record = TapRecord(
            n=len(self.journals.tap) + 1,
            at=at,
            kind="record",
            topic=topic,
            offset=offset,
            key="poison-1",
            timestamp_ms=int(at * 1000),
            undecodable=True,
            headers={FAULT_HEADER: "poison", REASON_HEADER: "undecodable"},
        )
        self.journals.tap.append(record)
        for consumer, types in SUBSCRIPTIONS.items():
            if any(kind.startswith("order.") for kind in types):
                self.tables.dead_letters.append(
                    audit.DeadLetterRow(
                        service=consumer,
                        consumer=consumer,
                        event_id="",
                        topic=topic,
                        partition=0,
                        offset_=offset,
                        reason="undecodable",
                        attempts=1,
                        parked=False,
                        created_at=at + 0.1,
                    )
                )
        return record

    def _moved(
        self, kind: str, at: float, on_hand: int, reserved: int, *, order_id: str = "", reference: str = ""
    ) -> None:
        self.tables.movements.append(
            audit.MovementRow(
                id=fixed_id("movement", len(self.tables.movements)),
                warehouse=WAREHOUSE,
                sku=SKU,
                type=kind,
                on_hand_delta=on_hand,
                reserved_delta=reserved,
                reservation_id=order_id,
                reference=reference,
                created_at=at,
            )
        )
        shelf = self.tables.stock[0]
        self.tables.stock[0] = msgspec.structs.replace(
            shelf,
            on_hand=shelf.on_hand + on_hand,
            reserved=shelf.reserved + reserved,
            version=shelf.version + 1,
        )

    def _quoted(self, order_id: str, number: int, at: float) -> None:
        """One piece in the smallest box, for whoever buys it."""
        quote = audit.ShippingQuoteRow(
            id=fixed_id("shipping quote", number),
            customer_id="",
            country=COUNTRY,
            method="standard",
            carrier="parcelpost",
            currency=CURRENCY,
            amount_minor=SHIPPING_MINOR,
            subtotal_minor=PRICE_MINOR,
            expires_at=at + 900,
            created_at=at,
            goods=f"{SKU}:1",
            loads="500:4375000",
        )
        self.tables.shipping_quotes.append(quote)
        self.tables.order_deliveries.append(
            audit.OrderDeliveryRow(
                order_id=order_id, quote_id=quote.id, personal=False, carrier="parcelpost", quoted_until=at + 900
            )
        )

    def _ordered(self, order_id: str, number: int, at: float, *, status: str, path: list[str]) -> None:
        customer_id = fixed_id("customer", number)
        self.tables.orders.append(
            audit.OrderRow(
                id=order_id,
                number=f"S-{number:05}",
                customer_id=customer_id,
                email=f"buyer{number}@example.com",
                status=status,
                currency=CURRENCY,
                subtotal_minor=PRICE_MINOR,
                discount_minor=0,
                tax_minor=TAX_MINOR,
                shipping_minor=SHIPPING_MINOR,
                total_minor=TOTAL_MINOR,
                refunded_minor=0,
                payment_method="tok_visa",
                shipping_method="standard",
                shipping_country=COUNTRY,
                idempotency_key=f"key-{number}",
                trace_id=fixed_id("trace", number).replace("-", ""),
                placed_at=at + 0.05,
                updated_at=at + 0.4,
            )
        )
        self.tables.order_lines.append(
            audit.OrderLineRow(
                order_id, SKU, 1, PRICE_MINOR, PRICE_MINOR, tax_minor=TAX_MINOR, tax_class="standard", position=1
            )
        )
        self._quoted(order_id, number, at)
        self._answered(number, at, status=201)
        for step, (before, after) in enumerate(zip(["", *path], path, strict=False)):
            self.tables.order_transitions.append(
                audit.OrderTransitionRow(order_id, before, after, at + 0.05 + 0.1 * step, "system")
            )
        self._event("orders", "order.created", order_id, at + 0.05)

    def _answered(self, number: int, at: float, *, status: int) -> None:
        self.tables.idempotency.append(
            audit.IdempotencyRow(
                service="orders",
                scope=f"{fixed_id('customer', number)} POST /api/v1/orders",
                key=f"key-{number}",
                status="completed",
                answer_status=status,
                created_at=at + 0.01,
                completed_at=at + 0.06,
            )
        )

    def _counted(self, order_id: str, at: float, *, status: str, paid_minor: int) -> None:
        """What analytics makes of an order."""
        self.tables.order_facts.append(
            audit.OrderFactRow(
                order_id=order_id,
                status=status,
                total_minor=TOTAL_MINOR,
                currency=CURRENCY,
                paid_minor=paid_minor,
                refunded_minor=0,
                placed_at=at + 0.05,
            )
        )
        day = self.tables.revenue_daily[0]
        self.tables.revenue_daily[0] = msgspec.structs.replace(
            day, orders=day.orders + (paid_minor > 0), paid_minor=day.paid_minor + paid_minor
        )

    def _held(self, order_id: str, number: int, at: float, *, status: str, ended_at: float) -> None:
        self.tables.reservations.append(
            audit.ReservationRow(
                id=order_id,
                order_id=order_id,
                customer_id=fixed_id("customer", number),
                status=status,
                sku=SKU,
                warehouse=WAREHOUSE,
                quantity=1,
                created_at=at + 0.03,
                expires_at=at + 600,
                pinned=True,
                ended_at=ended_at,
                end_reason=status,
            )
        )
        self._moved("reserve", at + 0.03, 0, 1, order_id=order_id)
        self._event("inventory", "inventory.reserved", order_id, at + 0.03)

    def fulfilled(self, order_id: str, number: int, at: float) -> None:
        self._held(order_id, number, at, status="committed", ended_at=at + 0.3)
        self._ordered(
            order_id, number, at, status="shipped", path=["pending", "reserved", "paid", "fulfilling", "shipped"]
        )
        payment_id = self._paid(order_id, number, at)
        self._event("payments", "payment.processed", payment_id, at + 0.2)
        paid = self._event("orders", "order.paid", order_id, at + 0.25)
        self._moved("commit", at + 0.3, -1, -1, order_id=order_id)
        self._event("inventory", "inventory.committed", order_id, at + 0.3)
        self._sent(order_id, number, at)
        shipped = self._event("orders", "order.shipped", order_id, at + 0.4)
        self._mailed("order_paid", paid, order_id, number, at + 0.35)
        self._mailed("order_shipped", shipped, order_id, number, at + 0.45)
        self._saga(order_id, at, status="completed", step="done")
        self._counted(order_id, at, status="shipped", paid_minor=TOTAL_MINOR)

    def declined(self, order_id: str, number: int, at: float) -> None:
        self._held(order_id, number, at, status="released", ended_at=at + 0.35)
        self._ordered(order_id, number, at, status="cancelled", path=["pending", "reserved", "cancelled"])
        payment_id = fixed_id("payment", order_id)
        self.tables.payments.append(self._payment(payment_id, order_id, number, at, "failed", 0))
        self._attempted(payment_id, at, outcome="declined")
        self._psp("decline", order_id, at + 0.15)
        self._webhook("payment.declined", order_id, at + 0.16)
        self._event("payments", "payment.failed", payment_id, at + 0.2)
        cancelled = self._event("orders", "order.cancelled", order_id, at + 0.25)
        self._moved("release", at + 0.35, 0, -1, order_id=order_id)
        self._event("inventory", "inventory.released", order_id, at + 0.35)
        self._mailed("order_cancelled", cancelled, order_id, number, at + 0.4)
        self._saga(order_id, at, status="compensated", step="cancelled")
        self._counted(order_id, at, status="cancelled", paid_minor=0)

    def _paid(self, order_id: str, number: int, at: float) -> str:
        payment_id = fixed_id("payment", order_id)
        self.tables.payments.append(self._payment(payment_id, order_id, number, at, "captured", TOTAL_MINOR))
        self._attempted(payment_id, at, outcome="captured")
        self._psp("authorise", order_id, at + 0.14)
        self._psp("capture", order_id, at + 0.15)
        self._webhook("payment.captured", order_id, at + 0.16)
        for account, amount in (("psp_receivable", TOTAL_MINOR), ("sales", -TOTAL_MINOR)):
            self._booked(order_id, account, amount, "capture", at + 0.2)
        return payment_id

    def _attempted(self, payment_id: str, at: float, *, outcome: str) -> None:
        self.tables.payment_attempts.append(
            audit.PaymentAttemptRow(
                id=fixed_id("attempt", payment_id),
                payment_id=payment_id,
                number=1,
                idempotency_key=f"pay-{payment_id}",
                outcome=outcome,
                started_at=at + 0.1,
                resolved_at=at + 0.2,
            )
        )

    def _webhook(self, kind: str, order_id: str, at: float) -> None:
        """Told by the provider, taken, and nothing new."""
        event_id = fixed_id("webhook", order_id)
        for step, status in (("webhook_queued", 0), ("webhook_sent", 200)):
            self.journals.psp.append(
                PspRecord(
                    n=len(self.journals.psp) + 1,
                    at=at,
                    kind=step,
                    event_id=event_id,
                    event_type=kind,
                    answer_status=status,
                    merchant_reference=order_id,
                )
            )
        self.tables.webhooks.append(
            audit.WebhookRow(event_id=event_id, type=kind, received_at=at, applied_at=at + 0.01, outcome="known")
        )

    def _payment(
        self, payment_id: str, order_id: str, number: int, at: float, status: str, captured: int
    ) -> audit.PaymentRow:
        return audit.PaymentRow(
            id=payment_id,
            order_id=order_id,
            customer_id=fixed_id("customer", number),
            status=status,
            amount_minor=TOTAL_MINOR,
            currency=CURRENCY,
            captured_minor=captured,
            refunded_minor=0,
            psp_payment_id=f"psp-{payment_id[:8]}",
            created_at=at + 0.1,
            updated_at=at + 0.2,
        )

    def _psp(self, kind: str, order_id: str, at: float) -> None:
        self.journals.psp.append(
            PspRecord(
                n=len(self.journals.psp) + 1,
                at=at,
                kind=kind,
                payment_id=f"psp-{fixed_id('payment', order_id)[:8]}",
                merchant_reference=order_id,
                amount_minor=TOTAL_MINOR,
                currency=CURRENCY,
                idempotency_key=f"pay-{fixed_id('payment', order_id)}",
            )
        )

    def _booked(self, order_id: str, account: str, amount: int, kind: str, at: float) -> None:
        entry = audit.LedgerRow(
            id=fixed_id("entry", len(self.tables.ledger)),
            transaction_id=fixed_id("transaction", kind, order_id),
            account=account,
            amount_minor=amount,
            currency=CURRENCY,
            order_id=order_id,
            kind=kind,
            created_at=at,
            previous_hash=self._last_hash,
            entry_hash="",
        )
        self._last_hash = chained_hash(entry)
        self.tables.ledger.append(msgspec.structs.replace(entry, entry_hash=self._last_hash))

    def _sent(self, order_id: str, number: int, at: float) -> None:
        shipment_id = fixed_id("shipment", order_id)
        tracking = f"TRK-{number:05}"
        self.tables.shipments.append(
            audit.ShipmentRow(
                id=shipment_id,
                order_id=order_id,
                status="handed_over",
                tracking_number=tracking,
                carrier="parcel",
                created_at=at + 0.3,
                updated_at=at + 0.35,
            )
        )
        path = ["created", "labelled", "handed_over"]
        for step, (before, after) in enumerate(zip(["", *path], path, strict=False)):
            self.tables.shipment_transitions.append(
                audit.ShipmentTransitionRow(shipment_id, before, after, at + 0.3 + 0.02 * step)
            )
        for kind in ("label", "handed_over"):
            self.journals.carrier.append(
                CarrierRecord(
                    n=len(self.journals.carrier) + 1,
                    at=at + 0.33,
                    kind=kind,
                    tracking_number=tracking,
                    shipment_id=shipment_id,
                    order_id=order_id,
                )
            )
        self._event("shipping", "shipment.dispatched", shipment_id, at + 0.36)

    def _mailed(self, template: str, event_id: str, order_id: str, number: int, at: float) -> None:
        recipient = f"buyer{number}@example.com"
        message_id = f"<{event_id}.{template}@shop.example>"
        self.tables.deliveries.append(
            audit.DeliveryRow(
                id=fixed_id("delivery", event_id, template),
                event_id=event_id,
                template=template,
                channel="email",
                recipient=recipient,
                order_id=order_id,
                status="sent",
                attempts=1,
                message_id=message_id,
                sent_at=at,
            )
        )
        self.journals.smtp.append(
            SmtpRecord(
                n=len(self.journals.smtp) + 1,
                at=at,
                kind="accepted",
                message_id=message_id,
                sender="shop@example.com",
                recipients=[recipient],
                subject=f"Your order S-{number:05}",
                template=template,
                event_id=event_id,
                order_id=order_id,
                amount=f"{TOTAL_MINOR / 100:.2f} EUR",
                body_sha256=hashlib.sha256(f"{template}{order_id}".encode()).hexdigest(),
                size=900,
            )
        )

    def refused(self, order_id: str, number: int, at: float) -> None:
        self._answered(number, at, status=409)
        self._saga(order_id, at, status="refused", step="reserving")

    def _saga(self, order_id: str, at: float, *, status: str, step: str) -> None:
        self.tables.sagas.append(
            audit.SagaRow(
                order_id=order_id,
                step=step,
                status=status,
                attempts=1,
                deadline_at=at + 60,
                started_at=at + 0.01,
                ended_at=at + 0.45,
            )
        )

    def _event(self, service: str, kind: str, aggregate_id: str, at: float) -> str:
        """Outbox row, message on the broker, and an inbox row at every subscriber. Returns the event id."""
        version = self._versions[service, aggregate_id] = self._versions.get((service, aggregate_id), 0) + 1
        event_id = fixed_id("event", service, aggregate_id, version)
        topic = f"{service}.events"
        offset = self._offsets[topic] = self._offsets.get(topic, -1) + 1
        self.tables.outbox.append(
            audit.OutboxRow(
                service=service,
                id=event_id,
                topic=topic,
                key=aggregate_id,
                type=kind,
                aggregate_id=aggregate_id,
                aggregate_version=version,
                created_at=at,
                sent_at=at + 0.01,
            )
        )
        self.journals.tap.append(
            TapRecord(
                n=len(self.journals.tap) + 1,
                at=at + 0.02,
                kind="record",
                topic=topic,
                offset=offset,
                key=aggregate_id,
                event_id=event_id,
                type=kind,
                version=1,
                aggregate_id=aggregate_id,
                aggregate_version=version,
                timestamp_ms=int((at + 0.01) * 1000),
            )
        )
        for consumer, types in SUBSCRIPTIONS.items():
            if kind in types:
                self.tables.inbox.append(
                    audit.InboxRow(
                        service=consumer,
                        consumer=consumer,
                        event_id=event_id,
                        type=kind,
                        aggregate_id=aggregate_id,
                        aggregate_version=version,
                        applied_at=at + 0.03,
                    )
                )
        return event_id
