"""The work of telling sellers: each due webhook is sent, and what came of it is recorded.

A table's work and no job, so that a slow endpoint of a seller keeps no mail waiting.
"""

import time
from uuid import UUID

import msgspec

from shared.back_off import BackOff
from shared.database import Database
from shared.unit_of_work import UnitOfWork
from shared.webhook_signatures import sign
from shared.work_table import Claimed, Pace, Verdict, WorkEngine
from svc.notifications.clients.sellers import EndpointAwayError, Sellers
from svc.notifications.domain import ATTEMPTS_MAX
from svc.notifications.domain.sellers import EndpointStatus, UrlRefused
from svc.notifications.handlers import outcomes, sellers
from svc.notifications.store import endpoints
from svc.notifications.store.endpoints import Outgoing

AT_ONCE_MAX = 4
LEASE_S = 15.0
RETRY_MAX_S = 3_600.0


class Answer(msgspec.Struct, frozen=True):
    """What an attempt came to: the endpoint's status, or why there is none. `final`: no other attempt helps."""

    status: int | None = None
    error: str | None = None
    final: bool = False

    @property
    def taken(self) -> bool:
        """Whether the endpoint said so."""
        return self.error is None


class WebhookWork(WorkEngine[Outgoing, Answer]):
    """Sends what sellers are told, a few at once."""

    def __init__(self, database: Database, seller_endpoints: Sellers, *, retry_first_s: float) -> None:
        pace = Pace(at_once_max=AT_ONCE_MAX, lease_s=LEASE_S, poll_s=retry_first_s)
        super().__init__("tell_sellers", database, endpoints.WORK, pace)
        self._sellers = seller_endpoints
        self._back_off = BackOff(retry_first_s, RETRY_MAX_S)

    async def perform(self, item: Outgoing) -> Answer:
        target = item.target
        if target is None or target.status != EndpointStatus.ENABLED:
            return Answer(error="the endpoint is disabled", final=True)
        body = msgspec.json.encode(item.delivery.context)
        secret, *beside = target.secrets
        try:
            status = await self._sellers.post(
                target.url,
                body,
                event=item.delivery.template,
                delivery_id=item.delivery.id,
                signature=sign(secret, body, at=int(time.time()), beside=beside),
            )
        except UrlRefused as refusal:
            return Answer(error=refusal.detail)
        except EndpointAwayError as error:
            return Answer(error=f"no answer: {error}")
        return Answer(status=status, error=None if 200 <= status < 300 else f"answered {status}")

    async def record(self, uow: UnitOfWork, item: Outgoing, outcome: Answer) -> Verdict:
        delivery = item.delivery
        if outcome.final:
            await outcomes.fail(uow, delivery, outcome.error or "")
            return Verdict.DEAD
        await endpoints.note_attempt(uow.connection, delivery.id, error=outcome.error)
        if outcome.taken:
            await endpoints.note_success(uow.connection, UUID(delivery.recipient))
            await outcomes.succeed(uow, delivery)
            return Verdict.DONE
        await sellers.note_failure(uow, item, status=outcome.status)
        attempts = delivery.attempts + 1
        if attempts >= ATTEMPTS_MAX:
            await outcomes.fail(uow, delivery, outcome.error or "")
            return Verdict.DEAD
        await endpoints.WORK.postpone(uow.connection, delivery.id, delay_s=self._back_off.delay_s(attempts))
        return Verdict.RETRY

    async def give_up(self, uow: UnitOfWork, claimed: Claimed[Outgoing], reason: str) -> None:
        await outcomes.fail(uow, claimed.item.delivery, reason)
