"""The work of notifications: queued deliveries become jobs, and each job sends one mail.

The row of a delivery is the truth, the job in Redis is only its carriage: a row whose job was lost is queued again, and
a job whose mail is sent does nothing.
"""

from uuid import UUID

import structlog

from shared.database import Database
from shared.errors import RedisUnavailableError
from shared.jobs_queue import JobGivenUpError, JobKind, JobQueue
from shared.periodic import Periodic
from shared.tracing import span
from svc.notifications import handlers, store
from svc.notifications.clients import MailServer, MailServerError
from svc.notifications.domain import ATTEMPTS_MAX
from svc.notifications.letters import Writer

MAILS_AT_ONCE_MAX = 3
QUEUED_AT_ONCE_MAX = 100
QUEUED_AGAIN_S = 60.0
"""After this time a delivery that is still open is queued again; no second job as long as the first exists."""

SEND_MAIL = JobKind(name="send_mail", timeout_s=15, attempts_max=ATTEMPTS_MAX, retry_first_s=0.5, retry_max_s=60.0)

log = structlog.get_logger(__name__)


def mail_feed(database: Database, queue: JobQueue, *, every_s: float) -> Periodic:
    """Turns due deliveries into jobs; woken after each commit that stored one."""

    async def feed() -> int:
        async with database.begin() as uow:
            due = await store.WORK.claim(uow.connection, rows_max=QUEUED_AT_ONCE_MAX, lease_s=QUEUED_AGAIN_S)
        for done, claimed in enumerate(due):
            try:
                with span("queue mail", kind="producer", parent=claimed.item.traceparent or ""):
                    await queue.enqueue(SEND_MAIL, str(claimed.key), delivery_id=str(claimed.key))
            except RedisUnavailableError:
                async with database.begin() as uow:
                    await store.WORK.release(uow.connection, [left.key for left in due[done:]])
                raise
        return len(due)

    return Periodic("queue_mails", every_s, feed)


class MailSender:
    """Sends one mail and records what came of it, in a transaction of its own."""

    def __init__(self, database: Database, writer: Writer, server: MailServer) -> None:
        self._database = database
        self._writer = writer
        self._server = server

    async def send(self, delivery_id: str) -> None:
        """The job: raises as long as another attempt may help, `JobGivenUpError` after the last."""
        async with self._database.begin() as uow:
            delivery = await store.take(uow.connection, UUID(delivery_id))
        if delivery is None:
            return
        try:
            message = self._writer.message(delivery)
            await self._server.send(message, sender=self._writer.sender_address, recipient=delivery.recipient)
        except Exception as error:
            await self._not_sent(delivery, error)
            if isinstance(error, MailServerError) and error.permanent:
                return
            if delivery.attempts >= ATTEMPTS_MAX:
                raise JobGivenUpError(repr(error)) from error
            raise
        async with self._database.begin() as uow:
            version = await store.mark_sent(uow.connection, delivery.id)
            if version is not None:
                with span("record mail", parent=delivery.traceparent or ""):
                    handlers.tell_sent(uow, delivery, version=version)

    async def _not_sent(self, delivery: store.Delivery, error: Exception) -> None:
        is_final = delivery.attempts >= ATTEMPTS_MAX or (isinstance(error, MailServerError) and error.permanent)
        log.warning("mail_not_taken", delivery=str(delivery.id), error=repr(error), final=is_final)
        async with self._database.begin() as uow:
            if not is_final:
                await store.mark_waiting(uow.connection, delivery.id, error=repr(error))
                return
            version = await store.mark_failed(uow.connection, delivery.id, error=repr(error))
            if version is not None:
                handlers.tell_failed(uow, delivery, repr(error), version=version)
