"""Planted: whoever consumes order.created charges the card, however often the event comes."""

import contextlib
from collections.abc import Sequence
from typing import Any

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.redis_client import redis_of
from shared import inbox
from shared.circuit_breaker import CircuitBreaker
from shared.contracts import Envelope
from shared.contracts.orders import OrderCreated
from shared.errors import WorldError
from shared.ids import new_id
from shared.kafka_consumer import ConsumerRunner
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.payments.clients import HttpPsp
from svc.payments.domain import PaymentStatus, payment_id_of
from svc.payments.store import payments

CARD = DefectCard(
    id="recharge-on-redelivery",
    title="A redelivered event charges again",
    parts=("payments.consumer", "payments.owe_payment"),
    root_cause="The handler of order.created calls the provider, and nothing remembers which events were handled.",
    caught_by=("INV-05",),
    exposed_by="Events that come again: payments killed before its offsets are committed, a group that goes back.",
    symptoms="After a deployment or a rebalance a batch of old orders is charged once more, all within seconds.",
    fix="An inbox row per event in the transaction of its effect; an effect outside has a key made of the payment.",
    origin="Kafka's at-least-once delivery taken for exactly-once.",
)

TIMEOUT_S = 3.0


def consumer_twin(_healthy: type[ConsumerRunner], _settings: ServiceSettings) -> type[ConsumerRunner]:
    """A consumer without memory."""
    return ForgetfulConsumer


class ForgetfulConsumer(ConsumerRunner):
    """Notes what it handled, for the eyes of others, and handles all of it again."""

    async def _apply_in_one_transaction(self, records: Sequence[Any]) -> None:
        wanted = [header for record in records if (header := self._wanted(record)) is not None]
        async with self._database.begin() as uow:
            await inbox.claim(uow.connection, self._service, wanted)
            for header in wanted:
                await self._handle(uow, header)
        self.applied += len(wanted)


def owe_twin(healthy: Any, settings: ServiceSettings) -> Any:
    """A handler that charges at once, in the middle of its transaction."""

    async def owe_payment(uow: UnitOfWork, envelope: Envelope[OrderCreated]) -> None:
        known = await payments.of_id(uow.connection, payment_id_of(envelope.data.order_id))
        if known is None or known.status is not PaymentStatus.CAPTURED or not known.amount_minor:
            await healthy(uow, envelope)
            return
        with contextlib.suppress(WorldError):
            await _charge(settings, envelope)

    return owe_payment


async def _charge(settings: ServiceSettings, envelope: Envelope[OrderCreated]) -> None:
    order = envelope.data
    async with redis_of(settings) as redis:
        breaker = CircuitBreaker(redis, "psp-by-events", prefix=settings.prefix)
        psp = HttpPsp(settings.psp_url, breaker=breaker, timeout_s=TIMEOUT_S)
        await psp.open()
        try:
            await psp.charge(
                order.order_id,
                amount_minor=order.total_minor,
                currency=order.currency,
                payment_method=order.payment_method,
                idempotency_key=f"event-{envelope.id}-{new_id()}",
            )
        finally:
            await psp.close()


TWINS: Twins = {"payments.consumer": consumer_twin, "payments.owe_payment": owe_twin}
