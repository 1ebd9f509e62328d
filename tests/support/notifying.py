"""The notifications service beside the simulated world: mail catcher, SMS and push gateways, and their journals."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from scenarios.world.app import World
from scenarios.world.journals import Journals, read_journals
from scenarios.world.settings import WorldSettings
from shared.contracts import Address, Event, OrderLine
from shared.contracts.orders import OrderCreated, OrderPaid
from shared.identity import Principal
from tests.support.engines import EngineUrls
from tests.support.services import Served, envelope, publish, served, topics, until

FEED = "/api/v1/notifications"
PREFERENCES = f"{FEED}/preferences"
HASTE: dict[str, Any] = {"send_interval_s": 0.05}


def order_created(*, title: str = "Storm jacket", **more: Any) -> OrderCreated:
    line = OrderLine(sku="A", product_id=uuid4(), title=title, quantity=1, unit_price_minor=1234, line_total_minor=1234)
    facts = {
        "order_id": uuid4(), "order_number": "SO-1", "customer_id": uuid4(), "email": "ann@example.com",
        "currency": "EUR", "total_minor": 1234, "subtotal_minor": 1234, "discount_minor": 0, "tax_minor": 0,
        "shipping_minor": 0, "lines": [line], "payment_method": "tok_visa", "shipping_method": "standard",
        "placed_at": datetime.now(UTC),
        "shipping_address": Address(name="Ann", line1="1 Road", city="Town", postal_code="1", country="IE"),
    }  # fmt: skip
    return OrderCreated(**{**facts, **more})


def order_paid(**more: Any) -> OrderPaid:
    placed = order_created()
    facts = {name: getattr(placed, name) for name in OrderPaid.__struct_fields__ if name != "payment_id"}
    return OrderPaid(**{**facts, "payment_id": uuid4(), **more})


def sold_by(seller: Principal, **more: Any) -> OrderPaid:
    """A paid order of two lines, one of which is the seller's."""
    mine, other = (
        OrderLine(
            sku=sku, product_id=uuid4(), title=sku, quantity=2, unit_price_minor=500, line_total_minor=1000,
            seller_id=seller_id,
        )
        for sku, seller_id in (("MINE", seller.subject), ("THEIRS", None))
    )  # fmt: skip
    return order_paid(lines=[mine, other], **more)


def reader() -> Principal:
    return Principal(str(uuid4()), frozenset({"customer"}))


@dataclass
class Desk:
    """One running notifications service, the world it writes to, and its database."""

    engines: EngineUrls
    prefix: str
    folder: Path
    world: World
    service: Served
    connection: asyncpg.Connection

    async def tell(self, *events: Event) -> None:
        await publish(self.engines, self.prefix, *(envelope(event, _about(event)) for event in events))

    async def prefer(self, who: Principal, *, version: int = 0, expect: int = 200, **wishes: Any) -> Any:
        headers = {"If-Match": f'"{version}"'}
        status, body = await self.service.call("PUT", PREFERENCES, principal=who, json=wishes, headers=headers)
        assert status == expect, body
        return body

    async def feed(self, who: Principal, query: str = "") -> list[Any]:
        status, page = await self.service.call("GET", FEED + query, principal=who)
        assert status == 200, page
        return page["items"]

    async def deliveries(self, **wanted: object) -> Sequence[Any]:
        """Rows with these values, oldest first."""
        conditions = " AND ".join(f"{name} = ${n}" for n, name in enumerate(wanted, start=1)) or "true"
        return await self.connection.fetch(
            f"SELECT * FROM deliveries WHERE {conditions} ORDER BY created_at, id",  # noqa: S608 names of tests
            *wanted.values(),
        )

    async def reach(self, count: int, **wanted: object) -> Sequence[Any]:
        """Waits for so many rows with these values."""

        async def reached() -> Sequence[Any]:
            rows = await self.deliveries(**wanted)
            return rows if len(rows) == count else ()

        return await until(reached)

    def journals(self) -> Journals:
        """What the world witnessed."""
        return read_journals(self.folder)


@asynccontextmanager
async def desk(engines: EngineUrls, prefix: str, folder: Path, **overrides: Any) -> AsyncIterator[Desk]:
    """Notifications on real engines beside the world."""
    world = World(WorldSettings(folder=folder))
    await world.start()
    try:
        settings = {**HASTE, "smtp_url": world.smtp_url, "sms_url": world.catcher_url, **overrides}
        async with topics(engines, prefix), served(engines, "notifications", prefix=prefix, **settings) as service:
            connection = await asyncpg.connect(service.settings.database_url)
            try:
                yield Desk(engines, prefix, folder, world, service, connection)
            finally:
                await connection.close()
    finally:
        await world.stop()


def _about(event: Any) -> object:
    return event.user_id if hasattr(event, "user_id") else event.order_id
