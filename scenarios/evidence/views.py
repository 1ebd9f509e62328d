"""The tables of evidence, and which of the audit views that services declare fill them.

A view is read into the table of its name, whichever service offers it; what has no table here is not collected.
"""

import typing
from collections.abc import Iterable

import msgspec

from scenarios.evidence.rows import (
    AnnulmentRow,
    AuthorisationRow,
    ConversionQuoteRow,
    CouponRow,
    DeadLetterRow,
    DeliveryRow,
    DisputeRow,
    DocumentRow,
    IdempotencyRow,
    InboxRow,
    IndexedRow,
    ItemMeasureRow,
    LedgerRow,
    MovementRow,
    OrderConversionRow,
    OrderDeliveryRow,
    OrderFactRow,
    OrderLineRow,
    OrderPromotionRow,
    OrderRow,
    OrderTransitionRow,
    OutboxRow,
    PaymentAttemptRow,
    PaymentRow,
    PriceCorrectionRow,
    PriceRow,
    PromotionRow,
    PurchaseLimitRow,
    RefundRow,
    ReservationRow,
    RevenueRow,
    Row,
    SagaRow,
    ShipmentRow,
    ShipmentTransitionRow,
    ShippingQuoteRow,
    ShippingRateRow,
    StockRow,
    TaxRateRow,
    VariantRow,
    WebhookRow,
)


class View(msgspec.Struct, frozen=True):
    """An audit view of a service; its rows go into the table of its name in `AuditTables`."""

    service: str
    name: str
    row: type[Row]


class AuditTables(msgspec.Struct):
    """The rows of every view, by kind; message tables of all services share one list each.

    `index` is no view: it is what Elasticsearch itself says of the run's products.
    """

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
    order_conversions: list[OrderConversionRow] = []
    order_deliveries: list[OrderDeliveryRow] = []
    order_transitions: list[OrderTransitionRow] = []
    sagas: list[SagaRow] = []
    payments: list[PaymentRow] = []
    payment_attempts: list[PaymentAttemptRow] = []
    authorisations: list[AuthorisationRow] = []
    refunds: list[RefundRow] = []
    disputes: list[DisputeRow] = []
    annulments: list[AnnulmentRow] = []
    conversion_quotes: list[ConversionQuoteRow] = []
    ledger: list[LedgerRow] = []
    webhooks: list[WebhookRow] = []
    shipments: list[ShipmentRow] = []
    shipment_transitions: list[ShipmentTransitionRow] = []
    deliveries: list[DeliveryRow] = []
    order_facts: list[OrderFactRow] = []
    revenue_daily: list[RevenueRow] = []
    prices: list[PriceRow] = []
    variants: list[VariantRow] = []
    tax_rates: list[TaxRateRow] = []
    coupons: list[CouponRow] = []
    promotions: list[PromotionRow] = []
    order_promotions: list[OrderPromotionRow] = []
    price_corrections: list[PriceCorrectionRow] = []
    shipping_rates: list[ShippingRateRow] = []
    shipping_quotes: list[ShippingQuoteRow] = []
    item_measures: list[ItemMeasureRow] = []
    documents: list[DocumentRow] = []
    index: list[IndexedRow] = []


ROW_TYPES: dict[str, type[Row]] = {
    field.name: typing.get_args(field.type)[0] for field in msgspec.structs.fields(AuditTables)
}
NO_VIEWS = frozenset({"index"})
"""Tables that are read elsewhere than from a database."""
MESSAGE_VIEWS = ("outbox", "inbox", "dead_letters", "idempotency")
"""What every database has of the library."""


def views_of(service: str, declared: Iterable[str]) -> tuple[View, ...]:
    """The views of a service that a judge reads: the library's, and of the `declared` ones those with a row type."""
    return tuple(View(service, name, ROW_TYPES[name]) for name in (*MESSAGE_VIEWS, *declared) if name in ROW_TYPES)
