"""Money captured and given back: by order, by day and by the reason of a refund."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from shared.contracts import Event
from shared.contracts.payments import PaymentProcessed, PaymentRefunded, PaymentRefundFailed, RefundReversed
from svc.analytics.domain.figures import ORDERS, REFUNDS, REVENUE
from svc.analytics.domain.projections import Row
from svc.analytics.handlers.counting.told import Told

LATE_AFTER = timedelta(hours=1)
REVERSED = "reversed"
"""Under which reason refunds are taken off that never were."""


def _captured(told: Told) -> Iterator[Row]:
    payment: PaymentProcessed = told.data
    amount = payment.amount_minor
    yield ORDERS.row(payment.order_id, currency=payment.currency, paid_minor=amount)
    yield REVENUE.row(told.day, payment.currency, orders=1, paid_minor=amount, late_events=_late(told))


def _refunded(told: Told) -> Iterator[Row]:
    refund: PaymentRefunded = told.data
    amount = refund.amount_minor
    yield ORDERS.row(refund.order_id, currency=refund.currency, refunded_minor=amount)
    yield REVENUE.row(told.day, refund.currency, refunded_minor=amount, late_events=_late(told))
    yield REFUNDS.row(told.day, refund.currency, refund.reason, refunds=1, refunded_minor=amount)


def _refund_reversed(told: Told) -> Iterator[Row]:
    """What was counted as paid back and never was is taken off, on the day on which that was told."""
    refund: RefundReversed = told.data
    amount = refund.amount_minor
    yield ORDERS.row(refund.order_id, currency=refund.currency, refunded_minor=-amount)
    yield REVENUE.row(told.day, refund.currency, refunded_minor=-amount, late_events=_late(told))
    yield REFUNDS.row(told.day, refund.currency, REVERSED, refunded_minor=-amount)


def _refund_failed(told: Told) -> Iterator[Row]:
    refund: PaymentRefundFailed = told.data
    yield REFUNDS.row(told.day, refund.currency, refund.reason, failed=1)


def _late(told: Told) -> int:
    return int(told.received_at - told.at > LATE_AFTER)


COUNTED: dict[type[Event], Callable[[Told], Iterator[Row]]] = {
    PaymentProcessed: _captured,
    PaymentRefunded: _refunded,
    PaymentRefundFailed: _refund_failed,
    RefundReversed: _refund_reversed,
}
