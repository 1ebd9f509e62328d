"""What `shopctl saga` asks, of the real service."""

from uuid import UUID, uuid4

import msgspec
import pytest

from cli.saga import asking
from compose.operator_error import OperatorError
from scenarios.fleet import FleetRefusedError
from tests.support.builders.orders import customer, place
from tests.support.builders.placed_order import rows
from tests.support.fakes.shop import shop
from tests.support.services import served

pytestmark = pytest.mark.service("orders")


class OneService:
    """As much of a fleet as the commands use."""

    def __init__(self, served_one):
        self._served = served_one

    async def call(self, service, method, path, **sent):
        status, answer = await self._served.call(method, path, **sent)
        if status >= 300:
            raise FleetRefusedError(service, f"{method} {path}", status=status, content=msgspec.json.encode(answer))
        return answer


async def test_every_stuck_saga_is_listed_whatever_the_page_and_resumed_once(engines, prefix, monkeypatch):
    monkeypatch.setattr(asking, "PAGE", 2)
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, role="api") as orders:
        fleet = OneService(orders)
        assert await asking.every_stuck(fleet) == []
        stuck = [(await place(orders, customer(), ("A", 1)))[1]["id"] for _ in range(3)]
        await rows(
            orders.settings.database_url,
            "UPDATE sagas SET step = 'compensating', status = 'failed', ended_at = clock_timestamp(), "
            "stock_settled = true, detail = 'money not undone in time'",
        )
        found = await asking.every_stuck(fleet)
        assert [saga["order_id"] for saga in found] == stuck
        row = asking.table_row(found[0])
        assert (row[1:4], row[6:]) == (("compensating", "failed", 1), ("money", "money not undone in time"))
        (one,) = await asking.resumed(fleet, UUID(stuck[1]))
        assert (one["order_id"], one["status"]) == (stuck[1], "running")
        assert [saga["order_id"] for saga in await asking.resumed(fleet, None)] == [stuck[0], stuck[2]]
        assert await asking.resumed(fleet, None) == []
        with pytest.raises(OperatorError) as refused:
            await asking.resumed(fleet, uuid4())
        assert refused.value.code == "saga.unknown"
