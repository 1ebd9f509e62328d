"""The payments service beside the simulated PSP, and the orders that make it work."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from scenarios.world.app import World
from scenarios.world.journals import PspRecord, iterate
from scenarios.world.psp.behaviour import Behaviour
from scenarios.world.settings import WorldSettings
from shared.contracts import Address
from shared.contracts.orders import OrderCancelled, OrderCreated
from shared.ids import new_id
from svc.payments.domain import payment_id_of
from tests.support.engines import EngineUrls
from tests.support.services import WEBHOOK_SECRET, Served, database_of, envelope, publish, served, topics, until
from tests.support.world import point_webhooks_at

CUSTOMER = uuid4()
HASTE: dict[str, Any] = {
    "psp_timeout_s": 0.8,
    "lease_s": 1.6,
    "absence_grace_s": 0.5,
    "poll_interval_s": 0.05,
}


def an_order(*, total_minor: int = 8_999, currency: str = "EUR", method: str = "tok_visa", **more: Any) -> OrderCreated:
    """An order as its service tells it."""
    facts = {
        "order_id": new_id(),
        "order_number": "SO-TEST",
        "customer_id": CUSTOMER,
        "email": "buyer@example.com",
        "currency": currency,
        "total_minor": total_minor,
        "lines": [],
        "subtotal_minor": total_minor,
        "discount_minor": 0,
        "tax_minor": 0,
        "shipping_minor": 0,
        "payment_method": method,
        "shipping_address": Address(name="A", line1="B", city="C", postal_code="1", country="DE"),
        "shipping_method": "standard",
        "placed_at": datetime.now(UTC),
    }
    return OrderCreated(**{**facts, **more})


def cancelled(order: OrderCreated, reason: str = "customer") -> OrderCancelled:
    return OrderCancelled(
        order_id=order.order_id, order_number=order.order_number, customer_id=order.customer_id, email=order.email,
        currency=order.currency, total_minor=order.total_minor, reason=reason, lines=[],
    )  # fmt: skip


@dataclass
class Till:
    """One running payments service, its PSP and its database."""

    engines: EngineUrls
    prefix: str
    world: World
    database_url: str
    service: Served
    connection: asyncpg.Connection
    _read: list[PspRecord] = field(default_factory=list)
    _read_size: int = -1

    def behave(self, **behaviour: Any) -> None:
        self.world.psp.behave(Behaviour(**behaviour))

    async def place(self, *orders: OrderCreated) -> None:
        await publish(self.engines, self.prefix, *(envelope(order, order.order_id, 1) for order in orders))

    async def cancel(self, *orders: OrderCreated) -> None:
        await publish(self.engines, self.prefix, *(envelope(cancelled(order), order.order_id, 2) for order in orders))

    async def payment(self, order: OrderCreated) -> Any:
        return await self.connection.fetchrow(
            "SELECT p.*, i.review FROM audit.payments p JOIN payments i USING (id) WHERE p.order_id = $1",
            order.order_id,
        )

    async def reaches(self, order: OrderCreated, status: str, **kwargs: Any) -> Any:
        async def reached() -> Any:
            row = await self.payment(order)
            return row if row and row["status"] == status else None

        return await until(reached, **kwargs)

    async def attempts(self, order: OrderCreated) -> list[tuple[str, str]]:
        rows = await self.connection.fetch(
            "SELECT idempotency_key, outcome FROM audit.payment_attempts WHERE payment_id = $1 ORDER BY number",
            payment_id_of(order.order_id),
        )
        return [(row["idempotency_key"], row["outcome"]) for row in rows]

    async def told(self, order: OrderCreated) -> list[str]:
        """The events published about the order's payment, in order."""
        rows = await self.connection.fetch(
            "SELECT type FROM audit.outbox WHERE aggregate_id = $1 ORDER BY aggregate_version",
            str(payment_id_of(order.order_id)),
        )
        return [row["type"] for row in rows]

    def journal(self, order: OrderCreated, *kinds: str) -> list[PspRecord]:
        """What the PSP's own journal says of the order and its refunds."""
        reference = str(order.order_id)
        return [
            line
            for line in self._lines()
            if line.kind in kinds and reference in {line.merchant_reference, line.payment_reference}
        ]

    async def refund(
        self, order: OrderCreated, amount: str | None = None, *, key: str | None = None, **kwargs: Any
    ) -> Any:
        body: dict[str, Any] = {"reason": "test"}
        if amount is not None:
            body["amount"] = {"amount": amount, "currency": order.currency}
        return await self.service.call(
            "POST",
            f"/api/v1/payments/{payment_id_of(order.order_id)}/refunds",
            json=body,
            headers={"Idempotency-Key": key or uuid4().hex},
            **kwargs,
        )

    async def refunds_done(self, order: OrderCreated, refunded_minor: int) -> Any:
        async def done() -> Any:
            row = await self.payment(order)
            return row if row and row["refunded_minor"] == refunded_minor else None

        return await until(done)

    def _lines(self) -> list[PspRecord]:
        """The whole journal, read again only when it has grown."""
        path = self.world.psp.journal.path
        size = path.stat().st_size
        if size != self._read_size:
            self._read, self._read_size = list(iterate(path, PspRecord)), size
        return self._read

    async def webhooks_applied(self) -> list[str]:
        """Waits until the PSP owes none and none waits here; gives their outcomes."""

        async def applied() -> bool:
            waiting = await self.connection.fetchval("SELECT count(*) FROM audit.webhooks WHERE applied_at IS NULL")
            return not self.world.psp.webhooks.pending and not waiting

        await until(applied)
        rows = await self.connection.fetch("SELECT outcome FROM audit.webhooks ORDER BY received_at")
        return [row["outcome"] for row in rows]


@asynccontextmanager
async def psp_world(folder: Path, **settings: Any) -> AsyncIterator[World]:
    world = World(WorldSettings(folder=folder, webhook_secret=WEBHOOK_SECRET, **settings))
    await world.start()
    try:
        yield world
    finally:
        await world.stop()


@asynccontextmanager
async def till(engines: EngineUrls, prefix: str, folder: Path, **overrides: Any) -> AsyncIterator[Till]:
    """Payments on real engines beside the PSP; webhooks reach it."""
    async with processes(engines, prefix, folder) as process, process(**overrides) as opened:
        yield opened


@asynccontextmanager
async def processes(
    engines: EngineUrls, prefix: str, folder: Path
) -> AsyncIterator[Callable[..., AbstractAsyncContextManager[Till]]]:
    """What opens a process of payments, one after the other or beside it, on one database, its topics and one PSP."""
    async with (
        topics(engines, prefix),
        psp_world(folder) as world,
        database_of(engines, "payments") as database_url,
    ):
        yield partial(reopened, engines, prefix, world, database_url)


@asynccontextmanager
async def reopened(
    engines: EngineUrls, prefix: str, world: World, database_url: str, **overrides: Any
) -> AsyncIterator[Till]:
    """Another process of payments on the same database, topics and PSP."""
    settings = {**HASTE, "psp_url": world.psp_url, "database_url": database_url, **overrides}
    async with served(engines, "payments", prefix=prefix, **settings) as service:
        point_webhooks_at(world, service.url)
        connection = await asyncpg.connect(database_url)
        try:
            yield Till(engines, prefix, world, database_url, service, connection)
        finally:
            await connection.close()
