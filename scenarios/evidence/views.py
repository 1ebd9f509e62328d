"""The catalogue of audit views, and the tables they fill.

`VIEWS` is the whole of what a judge reads of a database; nothing else of a service is known to it.
"""

import msgspec

from scenarios.evidence.rows import (
    DeadLetterRow,
    DeliveryRow,
    IdempotencyRow,
    InboxRow,
    LedgerRow,
    MovementRow,
    OrderFactRow,
    OrderLineRow,
    OrderRow,
    OrderTransitionRow,
    OutboxRow,
    PaymentAttemptRow,
    PaymentRow,
    ProductRow,
    PurchaseLimitRow,
    RefundRow,
    ReservationRow,
    RevenueRow,
    Row,
    SagaRow,
    SecurityEventRow,
    ShipmentRow,
    ShipmentTransitionRow,
    StockRow,
    VariantRow,
    WebhookRow,
)


class View(msgspec.Struct, frozen=True):
    """Where one kind of row comes from; `table` is its field in `AuditTables`."""

    service: str
    name: str
    row: type[Row]
    table: str


def _message_views(*services: str) -> tuple[View, ...]:
    kinds: tuple[tuple[str, type[Row]], ...] = (
        ("outbox", OutboxRow),
        ("inbox", InboxRow),
        ("dead_letters", DeadLetterRow),
        ("idempotency", IdempotencyRow),
    )
    return tuple(View(service, name, row, name) for service in services for name, row in kinds)


VIEWS: tuple[View, ...] = (
    *_message_views(
        "auth",
        "catalog",
        "inventory",
        "orders",
        "payments",
        "shipping",
        "search",
        "notifications",
        "analytics",
    ),
    View("inventory", "stock", StockRow, "stock"),
    View("inventory", "reservations", ReservationRow, "reservations"),
    View("inventory", "movements", MovementRow, "movements"),
    View("inventory", "purchase_limits", PurchaseLimitRow, "purchase_limits"),
    View("orders", "orders", OrderRow, "orders"),
    View("orders", "order_lines", OrderLineRow, "order_lines"),
    View("orders", "order_transitions", OrderTransitionRow, "order_transitions"),
    View("orders", "sagas", SagaRow, "sagas"),
    View("payments", "payments", PaymentRow, "payments"),
    View("payments", "payment_attempts", PaymentAttemptRow, "payment_attempts"),
    View("payments", "refunds", RefundRow, "refunds"),
    View("payments", "ledger", LedgerRow, "ledger"),
    View("payments", "webhooks", WebhookRow, "webhooks"),
    View("shipping", "shipments", ShipmentRow, "shipments"),
    View("shipping", "shipment_transitions", ShipmentTransitionRow, "shipment_transitions"),
    View("notifications", "deliveries", DeliveryRow, "deliveries"),
    View("analytics", "order_facts", OrderFactRow, "order_facts"),
    View("analytics", "revenue_daily", RevenueRow, "revenue_daily"),
    View("auth", "security_events", SecurityEventRow, "security_events"),
    View("catalog", "products", ProductRow, "products"),
    View("catalog", "variants", VariantRow, "variants"),
)


class AuditTables(msgspec.Struct):
    """The rows of every view, by kind; message tables of all services share one list each."""

    outbox: list[OutboxRow] = []
    inbox: list[InboxRow] = []
    dead_letters: list[DeadLetterRow] = []
    idempotency: list[IdempotencyRow] = []
    stock: list[StockRow] = []
    reservations: list[ReservationRow] = []
    movements: list[MovementRow] = []
    purchase_limits: list[PurchaseLimitRow] = []
    orders: list[OrderRow] = []
    order_lines: list[OrderLineRow] = []
    order_transitions: list[OrderTransitionRow] = []
    sagas: list[SagaRow] = []
    payments: list[PaymentRow] = []
    payment_attempts: list[PaymentAttemptRow] = []
    refunds: list[RefundRow] = []
    ledger: list[LedgerRow] = []
    webhooks: list[WebhookRow] = []
    shipments: list[ShipmentRow] = []
    shipment_transitions: list[ShipmentTransitionRow] = []
    deliveries: list[DeliveryRow] = []
    order_facts: list[OrderFactRow] = []
    revenue_daily: list[RevenueRow] = []
    security_events: list[SecurityEventRow] = []
    products: list[ProductRow] = []
    variants: list[VariantRow] = []


ROW_TYPES: dict[str, type[Row]] = {view.table: view.row for view in VIEWS}
