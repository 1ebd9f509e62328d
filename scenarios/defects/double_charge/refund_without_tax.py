"""Planted: everything is paid back but the tax."""

from typing import Any
from uuid import UUID

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.redis_client import redis_of
from shared.contracts import Envelope
from shared.contracts.orders import OrderCreated
from shared.money import Money
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.payments.store import payments
from svc.payments.store.refunds import Refund

CARD = DefectCard(
    id="refund-without-tax",
    title="A full refund leaves the tax out",
    parts=("payments.owe_payment", "payments.request_refund"),
    root_cause="What is paid back is computed anew, from subtotal and shipping, instead of from what was captured.",
    caught_by=("INV-06",),
    exposed_by="Orders that are returned as a whole, in a country with a tax.",
    symptoms="Total 199.99, refund 184.67: the difference is the tax to the cent; every book agrees with every other.",
    fix="A full refund is what was captured less what went back before; nothing is computed a second time.",
    origin="Refund code beside checkout code, each with a formula of its own.",
)


def owe_twin(healthy: Any, settings: ServiceSettings) -> Any:
    """Remembers the tax of each order, for the formula."""

    async def owe_payment(uow: UnitOfWork, envelope: Envelope[OrderCreated]) -> None:
        await healthy(uow, envelope)
        async with redis_of(settings) as redis:
            await redis.set(_name(settings, envelope.data.order_id), envelope.data.tax_minor)

    return owe_payment


def request_twin(healthy: Any, settings: ServiceSettings) -> Any:
    """A refund of everything is one of everything before tax."""

    async def request_refund(
        uow: UnitOfWork, payment_id: UUID, *, amount: Money | None, reason: str, requested_by: str
    ) -> Refund:
        payment = await payments.of_id(uow.connection, payment_id)
        if amount is None and payment is not None:
            async with redis_of(settings) as redis:
                tax_minor = int(await redis.get(_name(settings, payment.order_id)) or 0)
            if payment.refundable_minor > tax_minor:
                amount = Money(payment.refundable_minor - tax_minor, payment.currency)
        return await healthy(uow, payment_id, amount=amount, reason=reason, requested_by=requested_by)

    return request_refund


def _name(settings: ServiceSettings, order_id: UUID) -> str:
    return f"{settings.prefix}tax-of:{order_id}"


TWINS: Twins = {"payments.owe_payment": owe_twin, "payments.request_refund": request_twin}
