"""What the HTTP edge needs of the rest: the replaceable commands, and the bells that wake the jobs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.money import Money
from shared.unit_of_work import UnitOfWork
from svc.payments.store.refunds import Refund


class RequestRefund(Protocol):
    """`handlers.refunding.request_refund`."""

    async def __call__(
        self, uow: UnitOfWork, payment_id: UUID, *, amount: Money | None, reason: str, requested_by: str
    ) -> Refund: ...


@dataclass(frozen=True)
class Works:
    """Made once by the composition root."""

    request_refund: RequestRefund
    record_webhook: Callable[[UnitOfWork, bytes], Awaitable[bool]]
    wake_refunds: Callable[[], None]
    wake_webhooks: Callable[[], None]
