"""The work of notifications: queued deliveries become jobs, and each job sends one message.

The row of a delivery is the truth, the job in Redis is only its carriage: a row whose job was lost is queued again, and
a job whose message is sent does nothing.
"""

from collections.abc import Callable
from uuid import UUID

import structlog

from shared.database import Database
from shared.errors import RedisUnavailableError
from shared.jobs_queue import JobGivenUpError, JobKind, JobQueue
from shared.periodic import Periodic
from shared.tracing import span
from svc.notifications.clients.mail import MailServer
from svc.notifications.clients.phones import Phones
from svc.notifications.clients.refusing import NotTakenError
from svc.notifications.domain import ATTEMPTS_MAX, Channel
from svc.notifications.handlers import bounces, digests, outcomes
from svc.notifications.letters import Writer
from svc.notifications.store import deliveries
from svc.notifications.store.deliveries import Delivery

MESSAGES_AT_ONCE_MAX = 3
DIGESTS_EVERY_S = 60.0
QUEUED_AT_ONCE_MAX = 100
QUEUED_AGAIN_S = 60.0
"""After this time a delivery that is still open is queued again; no second job as long as the first exists."""

SEND = JobKind(name="send_message", timeout_s=15, attempts_max=ATTEMPTS_MAX, retry_first_s=0.5, retry_max_s=60.0)

log = structlog.get_logger(__name__)


def message_feed(database: Database, queue: JobQueue, *, every_s: float) -> Periodic:
    """Turns due deliveries into jobs; woken after each commit that stored one."""

    async def feed() -> int:
        async with database.begin() as uow:
            due = await deliveries.WORK.claim(uow.connection, rows_max=QUEUED_AT_ONCE_MAX, lease_s=QUEUED_AGAIN_S)
        for done, claimed in enumerate(due):
            try:
                with span("queue message", kind="producer", parent=claimed.item.traceparent or ""):
                    await queue.enqueue(SEND, str(claimed.key), delivery_id=str(claimed.key))
            except RedisUnavailableError:
                async with database.begin() as uow:
                    await deliveries.WORK.release(uow.connection, [left.key for left in due[done:]])
                raise
        return len(due)

    return Periodic("queue_messages", every_s, feed)


def digest_maker(database: Database, writer: Writer, wake: Callable[[], None]) -> Periodic:
    """Makes the digests that are due, one after the other, each in a transaction of its own."""

    async def make() -> int:
        async with database.begin() as uow:
            made = await digests.make(uow, writer)
            uow.after_commit(wake)
        return int(made)

    return Periodic("make_digests", DIGESTS_EVERY_S, make)


class Sender:
    """Sends one message and records what came of it, in a transaction of its own."""

    def __init__(self, database: Database, writer: Writer, *, mail: MailServer, phones: Phones) -> None:
        self._database = database
        self._writer = writer
        self._mail = mail
        self._phones = phones

    async def send(self, delivery_id: str) -> None:
        """The job: raises as long as another attempt may help, `JobGivenUpError` after the last."""
        async with self._database.begin() as uow:
            taken = await deliveries.take(uow.connection, UUID(delivery_id))
            if taken is not None and taken.bounces:
                await outcomes.suppress(uow, taken.delivery)
        if taken is None or taken.bounces:
            return
        delivery = taken.delivery
        try:
            await self._hand_over(delivery)
        except Exception as error:
            await self._not_sent(delivery, error)
            if isinstance(error, NotTakenError) and error.permanent:
                return
            if delivery.attempts >= ATTEMPTS_MAX:
                raise JobGivenUpError(repr(error)) from error
            raise
        async with self._database.begin() as uow:
            with span("record message", parent=delivery.traceparent or ""):
                await outcomes.succeed(uow, delivery)

    async def _hand_over(self, delivery: Delivery) -> None:
        channel = Channel(delivery.channel)
        if channel is Channel.EMAIL:
            message = self._writer.message(delivery)
            await self._mail.send(message, sender=self._writer.sender_address, recipient=delivery.recipient)
            return
        short = self._writer.short(delivery)
        await self._phones.send(channel, delivery.recipient, title=short.title, text=short.text, reference=delivery.id)

    async def _not_sent(self, delivery: Delivery, error: Exception) -> None:
        is_final = delivery.attempts >= ATTEMPTS_MAX or (isinstance(error, NotTakenError) and error.permanent)
        log.warning("message_not_taken", delivery=str(delivery.id), error=repr(error), final=is_final)
        async with self._database.begin() as uow:
            if not is_final:
                await deliveries.mark_waiting(uow.connection, delivery.id, error=repr(error))
                return
            await outcomes.fail(uow, delivery, repr(error))
            if isinstance(error, NotTakenError) and error.bounced:
                await bounces.note(uow, delivery, repr(error))
