"""What the payments service publishes. Aggregate: the payment of one order."""

from typing import ClassVar
from uuid import UUID

from shared.contracts.envelope import Event, Topic

TOPIC = Topic(name="payments.events")


PRICE_CORRECTION = "price_correction"
"""The reason of the refund that gives back what a wrong price took too much."""


class PaymentFact(Event, frozen=True, kw_only=True):
    """Amounts are minor units of `currency`."""

    topic: ClassVar[Topic] = TOPIC
    payment_id: UUID
    order_id: UUID
    customer_id: UUID
    email: str
    order_number: str
    amount_minor: int
    currency: str


class PaymentProcessed(PaymentFact, frozen=True, kw_only=True):
    """The PSP captured exactly `amount_minor`, once."""

    type: ClassVar[str] = "payment.processed"
    psp_payment_id: str


class PaymentFailed(PaymentFact, frozen=True, kw_only=True):
    """Nothing was captured and nothing will be.

    `reason` is `declined`, `cancelled`, `refused`, `voided` or `expired`.
    """

    type: ClassVar[str] = "payment.failed"
    reason: str


class PaymentRefunded(PaymentFact, frozen=True, kw_only=True):
    """Money that the order owed went back; `amount_minor` is this refund, `refunded_minor` the sum of all told so far,
    of those that were reversed as well.
    """

    type: ClassVar[str] = "payment.refunded"
    refund_id: UUID
    refunded_minor: int
    reason: str


class RefundReversed(PaymentFact, frozen=True, kw_only=True):
    """A refund that was told never was one; `amount_minor` is that refund, `reversed_minor` the sum of these so far."""

    type: ClassVar[str] = "payment.refund_reversed"
    reversed_minor: int


class DuplicateReturned(PaymentFact, frozen=True, kw_only=True):
    """A capture that the order did not owe went back; what it owed is as paid or refunded as before."""

    type: ClassVar[str] = "payment.duplicate_returned"
    refund_id: UUID
    psp_payment_id: str


class PaymentRefundFailed(PaymentFact, frozen=True, kw_only=True):
    """One refund did not happen and no job will try it again; `amount_minor` is this refund."""

    type: ClassVar[str] = "payment.refund_failed"
    refund_id: UUID
    reason: str


class PaymentDisputed(PaymentFact, frozen=True, kw_only=True):
    """The customer's bank took `amount_minor` back for a while (`opened`), let it go (`won`) or kept it (`lost`)."""

    type: ClassVar[str] = "payment.disputed"
    dispute_id: UUID
    status: str
    reason: str
