"""A placed order of a running service, and the facts other services tell about it."""

from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg

from tests.support.builders.orders import customer, fact, place
from tests.support.fakes.shop import shop
from tests.support.services import envelope, publish, served, topics, until


async def rows(database_url, query, *arguments):
    connection = await asyncpg.connect(database_url)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


class Told:
    """Tells orders facts about one order, and waits for where they lead."""

    def __init__(self, engines, prefix, orders, buyer, order, fakes):
        self.engines, self.prefix, self.orders, self.buyer, self.order = engines, prefix, orders, buyer, order
        self.fakes = fakes
        self.shipment_id = uuid4()
        self.version = 0

    def fact(self, kind, **more):
        if kind.__name__.startswith("Shipment"):
            more.setdefault("shipment_id", self.shipment_id)
        return fact(kind, self.order, self.buyer, **more)

    def envelope(self, kind, **more):
        self.version += 1
        event = self.fact(kind, **more)
        return envelope(event, f"{kind.topic.name}-{self.order['id']}", self.version)

    async def tell(self, *kinds, **more):
        await publish(self.engines, self.prefix, *(self.envelope(kind, **more) for kind in kinds))

    async def story(self):
        return (await self.orders.call("GET", f"/internal/orders/{self.order['id']}/story"))[1]

    async def becomes(self, status, saga=None):
        async def there():
            story = await self.story()
            reached = story["order"]["status"] == status and (saga is None or story["saga"]["status"] == saga)
            return story if reached else None

        return await until(there)

    async def rows(self, query, *arguments):
        return await rows(self.orders.settings.database_url, query, *arguments)

    async def applied(self, events):
        """Wait until so many events were applied."""

        async def there():
            return (await self.rows("SELECT count(*) AS n FROM audit.inbox"))[0]["n"] >= events

        await until(there)

    def events(self, story):
        return [event["type"] for event in story["events"]]

    def path(self, story):
        return [move["to_status"] for move in story["transitions"]]


@asynccontextmanager
async def an_order(engines, prefix, **overrides):
    """One order of a running service with topics and fakes of its neighbours."""
    async with (
        topics(engines, prefix),
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, **overrides) as orders,
    ):
        buyer = customer()

        async def placed():
            """None while the service has not heard of its neighbours yet."""
            status, order = await place(orders, buyer, ("A", 1))
            assert status in {201, 503}, order
            return order if status == 201 else None

        order = await until(placed)
        yield Told(engines, prefix, orders, buyer, order, fakes)
