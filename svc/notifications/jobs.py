"""Periodic work of the notifications service: sending what is queued."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from shared.database import Database
from shared.jobs_queue import Periodic
from shared.tracing import span
from svc.notifications import handlers, store
from svc.notifications.clients import MailServer, MailServerError
from svc.notifications.domain import retry_delay_s
from svc.notifications.letters import Writer

BATCH_MAX = 40
CONNECTIONS = 3

log = structlog.get_logger(__name__)

Outcome = tuple[store.Delivery, MailServerError | None]


class Sender:
    """Sends queued deliveries over a few connections; open it as a resource."""

    def __init__(self, database: Database, writer: Writer, connect: Callable[[], MailServer]) -> None:
        self._database = database
        self._writer = writer
        self._servers = [connect() for _ in range(CONNECTIONS)]

    async def open(self) -> None:
        """Connections are made when there is something to send."""

    async def close(self) -> None:
        """Hang up."""
        await asyncio.gather(*(server.close() for server in self._servers))

    async def send_due(self) -> int:
        """Claim, send, record; gives the number sent."""
        async with self._database.begin() as uow:
            due = await store.claim(uow.connection, rows_max=BATCH_MAX)
        if not due:
            return 0
        shares = [due[number::CONNECTIONS] for number in range(CONNECTIONS)]
        outcomes = await asyncio.gather(
            *(self._send_share(server, share) for server, share in zip(self._servers, shares, strict=True))
        )
        return await self._record([outcome for share in outcomes for outcome in share])

    async def _send_share(self, server: MailServer, share: Sequence[store.Delivery]) -> list[Outcome]:
        done: list[Outcome] = []
        for delivery in share:
            with span("send mail", kind="client", parent=delivery.traceparent or "", template=delivery.template):
                try:
                    await server.send(self._writer.message(delivery))
                except MailServerError as error:
                    done.append((delivery, error))
                else:
                    done.append((delivery, None))
        return done

    async def _record(self, outcomes: Sequence[Outcome]) -> int:
        sent = [delivery for delivery, error in outcomes if error is None]
        async with self._database.begin() as uow:
            if sent:
                await store.mark_sent(uow.connection, [delivery.id for delivery in sent])
            for delivery in sent:
                with span("record mail", parent=delivery.traceparent or ""):
                    handlers.tell_sent(uow, delivery)
            for delivery, error in outcomes:
                if error is None:
                    continue
                retry_in_s = None if error.permanent else retry_delay_s(delivery.attempts)
                log.warning("mail_not_taken", delivery=str(delivery.id), error=str(error), retry_in_s=retry_in_s)
                await store.mark_failed(uow.connection, delivery.id, error=str(error), retry_in_s=retry_in_s)
                if retry_in_s is None:
                    handlers.tell_failed(uow, delivery, str(error))
        return len(sent)


def sending(sender: Sender, *, every_s: float) -> Periodic:
    """The job that sends; woken after each commit that queued a letter."""
    return Periodic("send_mails", every_s, sender.send_due)
