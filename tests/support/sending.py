"""The shipping service beside the simulated carrier, and the paid orders that make it work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from scenarios.world.app import World
from scenarios.world.carrier.api import LabelCreate
from scenarios.world.carrier.simulator import Behaviour
from scenarios.world.journals import CarrierRecord, iterate
from scenarios.world.settings import WorldSettings
from shared.contracts import Address, OrderLine
from shared.contracts.orders import OrderCancelled, OrderPaid
from shared.ids import derived_id, new_id
from svc.shipping.handlers.orders import send_parcel
from tests.support.engines import EngineUrls
from tests.support.rows import database_for
from tests.support.services import WEBHOOK_SECRET, Served, database_of, envelope, publish, served, topics, until
from tests.support.world import point_webhooks_at

CUSTOMER = uuid4()
HASTE: dict[str, Any] = {
    "carrier_timeout_s": 0.8,
    "lease_s": 1.6,
    "absence_grace_s": 0.5,
    "handover_delay_s": 0.0,
    "poll_interval_s": 0.05,
}


def a_paid_order(*, quantity: int = 2, country: str = "DE", **more: Any) -> OrderPaid:
    line = OrderLine(
        sku="A",
        product_id=new_id(),
        title="A",
        quantity=quantity,
        unit_price_minor=100,
        line_total_minor=100 * quantity,
    )
    facts = {
        "order_id": new_id(),
        "order_number": "SO-TEST",
        "customer_id": CUSTOMER,
        "email": "buyer@example.com",
        "currency": "EUR",
        "total_minor": 5 * quantity,
        "payment_id": new_id(),
        "lines": [line],
        "shipping_address": Address(name="A", line1="B", city="C", postal_code="1", country=country),
        "shipping_method": "standard",
    }
    return OrderPaid(**{**facts, **more})


def shipment_id_of(order: OrderPaid) -> UUID:
    return derived_id("shipment", order.order_id, 1)


def label_wish(shipment: asyncpg.Record, address: Address) -> LabelCreate:
    """What the carrier is asked for when the stored shipment is to go to the address."""
    return LabelCreate(
        merchant_reference=str(shipment["id"]),
        order_id=str(shipment["order_id"]),
        address=msgspec.to_builtins(address),
        weight_g=shipment["weight_g"],
        service=shipment["method"],
    )


async def planned(house: "Depot", *orders: OrderPaid) -> None:
    """The orders' parcels are stored, and whoever works on them is not told."""
    async with database_for(house.service) as database, database.begin() as uow:
        for order in orders:
            await send_parcel(uow, envelope(order, order.order_id, 2), carrier="parcelpost")


@dataclass
class Depot:
    """One running shipping service, its carrier and its database."""

    engines: EngineUrls
    prefix: str
    world: World
    database_url: str
    service: Served
    connection: asyncpg.Connection
    _read: list[CarrierRecord] = field(default_factory=list)
    _read_size: int = -1

    def behave(self, **behaviour: Any) -> None:
        self.world.carrier.behave(Behaviour(**{"in_transit_after_s": 0.05, "delivered_after_s": 0.05, **behaviour}))

    async def pay(self, *orders: OrderPaid) -> None:
        await publish(self.engines, self.prefix, *(envelope(order, order.order_id, 2) for order in orders))

    async def cancel(self, *orders: OrderPaid) -> None:
        events = [
            OrderCancelled(
                order_id=order.order_id, order_number=order.order_number, customer_id=order.customer_id,
                email=order.email, currency=order.currency, total_minor=order.total_minor, reason="customer", lines=[],
            )
            for order in orders
        ]  # fmt: skip
        await publish(self.engines, self.prefix, *(envelope(event, event.order_id, 3) for event in events))

    async def withhold(self, order: OrderPaid) -> str:
        """What shipping answers to the wish to keep the order's goods."""
        status, answer = await self.service.call("POST", f"/internal/orders/{order.order_id}/withhold")
        assert status == 200, answer
        return answer["outcome"]

    async def shipment(self, order: OrderPaid) -> Any:
        return await self.connection.fetchrow(
            "SELECT s.*, i.review, i.call FROM audit.shipments s JOIN shipments i USING (id) WHERE s.order_id = $1",
            order.order_id,
        )

    async def reaches(self, order: OrderPaid, status: str, **kwargs: Any) -> Any:
        async def reached() -> Any:
            row = await self.shipment(order)
            return row if row and row["status"] == status else None

        return await until(reached, **kwargs)

    async def way(self, order: OrderPaid) -> list[str]:
        rows = await self.connection.fetch(
            "SELECT t.to_status FROM shipment_transitions t WHERE shipment_id = $1 ORDER BY id", shipment_id_of(order)
        )
        return [row["to_status"] for row in rows]

    async def told(self, order: OrderPaid) -> list[str]:
        """The events published about the order's parcel, in order."""
        rows = await self.connection.fetch(
            "SELECT type FROM audit.outbox WHERE aggregate_id = $1 ORDER BY aggregate_version",
            str(shipment_id_of(order)),
        )
        return [row["type"] for row in rows]

    def journal(self, order: OrderPaid, *kinds: str) -> list[CarrierRecord]:
        """What the carrier's own journal says of the order."""
        return [line for line in self.lines() if line.kind in kinds and line.order_id == str(order.order_id)]

    def lines(self) -> list[CarrierRecord]:
        """The whole journal, read again only when it has grown."""
        path = self.world.carrier.journal.path
        size = path.stat().st_size
        if size != self._read_size:
            self._read, self._read_size = list(iterate(path, CarrierRecord)), size
        return self._read

    async def webhooks_applied(self) -> list[str]:
        """Waits until the carrier owes none and none waits here; gives their outcomes."""

        async def applied() -> bool:
            waiting = await self.connection.fetchval("SELECT count(*) FROM audit.webhooks WHERE applied_at IS NULL")
            return not self.world.carrier.webhooks.pending and not waiting

        await until(applied)
        rows = await self.connection.fetch("SELECT outcome FROM audit.webhooks ORDER BY received_at")
        return [row["outcome"] for row in rows]


@asynccontextmanager
async def depot(engines: EngineUrls, prefix: str, folder: Path, **overrides: Any) -> AsyncIterator[Depot]:
    """Shipping on real engines beside the carrier; webhooks reach it."""
    world = World(WorldSettings(folder=folder, webhook_secret=WEBHOOK_SECRET))
    await world.start()
    try:
        async with (
            topics(engines, prefix),
            database_of(engines, "shipping") as database_url,
            reopened(engines, prefix, world, database_url, **overrides) as opened,
        ):
            yield opened
    finally:
        await world.stop()


@asynccontextmanager
async def reopened(
    engines: EngineUrls, prefix: str, world: World, database_url: str, **overrides: Any
) -> AsyncIterator[Depot]:
    """Another process of shipping on the same database, topics and carrier."""
    settings = {**HASTE, "carrier_url": world.carrier_url, "database_url": database_url, **overrides}
    async with served(engines, "shipping", prefix=prefix, **settings) as service:
        point_webhooks_at(world, service.url)
        connection = await asyncpg.connect(database_url)
        try:
            yield Depot(engines, prefix, world, database_url, service, connection)
        finally:
            await connection.close()
