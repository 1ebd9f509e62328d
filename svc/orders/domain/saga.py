"""The steps of an order's saga, and what ends it.

reserving → paying → paid (completed); reserving → refused, or → releasing → refused;
an unpaid order's cancellation → compensating → compensated; a paid one's → withholding → compensating, or back to paid
when the carrier has the goods. `failed` is a compensation that ran out of time; it still
ends as compensated when the missing facts come.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal


class SagaEnded(Refusal):
    code = "saga_ended"
    kind = Kind.CONFLICT


class OutcomeUnknown(Refusal):
    """Whether the stock is held is not known yet; the saga finds out, and a repeat with the same key is told."""

    code = "order_outcome_unknown"
    kind = Kind.UNAVAILABLE


class NotOrdered(Refusal):
    """Nothing was ordered because another part of the shop could not be reached; the same key may be used again."""

    code = "order_not_placed"
    kind = Kind.UNAVAILABLE


class StockUnreachable(Refusal):
    """The saga's time ran out before the stock could be held. Final for this key."""

    code = "stock_unreachable"
    kind = Kind.UNAVAILABLE


class HoldLost(Refusal):
    """The hold had ended before the order could be stored. Final for this key."""

    code = "hold_lost"
    kind = Kind.CONFLICT


class Step(StrEnum):
    RESERVING = "reserving"
    RELEASING = "releasing"
    PAYING = "paying"
    PAID = "paid"
    WITHHOLDING = "withholding"
    COMPENSATING = "compensating"


class SagaStatus(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    REFUSED = "refused"
    COMPENSATED = "compensated"
    FAILED = "failed"


class Saga(msgspec.Struct, frozen=True, kw_only=True):
    """A saga as it stands; `attempts` counts the tries of the present step."""

    order_id: UUID
    step: Step
    status: SagaStatus
    attempts: int
    deadline_at: datetime
    started_at: datetime
    draft: str
    traceparent: str | None
    stock_settled: bool
    money_settled: bool
