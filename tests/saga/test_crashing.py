"""A process that dies at each line between the transactions of a placement; another one finishes from the tables."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager

import aiohttp
import pytest

from shared.errors import RemoteRefusal
from shared.identity import HEADER, InternalTokens
from svc.orders.clients import InventoryClient
from svc.orders.placing import Placement, SagaResolver
from tests.support.builders.orders import body, buy, customer, place
from tests.support.builders.placed_order import rows
from tests.support.fakes.shop import shop
from tests.support.services import INTERNAL_SECRET, database_of, free_port, served, until

pytestmark = pytest.mark.service("orders")

QUICK = {"reserve_timeout_s": 0.4, "resolver_grace_s": 0.1, "resolver_interval_s": 0.05, "resolver_retry_s": 0.05}


class CrashError(Exception):
    """The process ends here; nothing of it runs afterwards."""


class DiesAfterBegin(Placement):
    async def reserve_and_settle(self, draft):
        raise CrashError


class DiesAfterReserve(Placement):
    async def reserve_and_settle(self, draft):
        await self._inventory.reserve(draft.order_id, draft.customer_id, draft.wanted)
        raise CrashError


class DiesAfterConfirm(Placement):
    async def reserve_and_settle(self, draft):
        await super().reserve_and_settle(draft)
        raise CrashError


@pytest.mark.parametrize("dying", [DiesAfterBegin, DiesAfterReserve, DiesAfterConfirm])
async def test_an_order_is_placed_once_wherever_its_first_process_died(engines, prefix, dying):
    async with database_of(engines, "orders") as database, shop(engines.redis, prefix) as fakes:
        buyer = customer()
        async with served(
            engines, "orders", prefix=prefix, database_url=database, role="api", parts={"placement": dying}, **QUICK
        ) as first:
            assert (await place(first, buyer, ("A", 1), key="k1"))[0] == 500
        async with served(engines, "orders", prefix=prefix, database_url=database, **QUICK) as second:
            status, order = await buy(second, buyer, ("A", 1), key="k1")
            assert status == 201, order
            assert fakes.inventory.held_units("A") == 1
            _, page = await second.call("GET", "/api/v1/orders", principal=buyer)
            assert [one["id"] for one in page["items"]] == [order["id"]]
            events = await rows(database, "SELECT type FROM audit.outbox")
            assert [row["type"] for row in events] == ["order.created"]


@pytest.mark.parametrize("dying", [DiesAfterBegin])
async def test_a_sold_out_buyer_is_refused_for_good_whatever_died(engines, prefix, dying):
    async with database_of(engines, "orders") as database, shop(engines.redis, prefix) as fakes:
        fakes.inventory.stock["A"] = 0
        buyer = customer()
        async with served(
            engines, "orders", prefix=prefix, database_url=database, role="api", parts={"placement": dying}, **QUICK
        ) as first:
            await place(first, buyer, ("A", 1), key="k1")
        async with served(engines, "orders", prefix=prefix, database_url=database, **QUICK) as second:
            status, refused = await buy(second, buyer, ("A", 1), key="k1")
            assert (status, refused["code"]) == (409, "insufficient_stock")
            fakes.inventory.stock["A"] = 1
            assert await place(second, buyer, ("A", 1), key="k1") == (409, refused)


async def test_a_hold_that_expired_before_the_saga_was_resumed_is_no_order(engines, prefix):
    async with database_of(engines, "orders") as database, shop(engines.redis, prefix) as fakes:
        buyer = customer()
        async with served(
            engines,
            "orders",
            prefix=prefix,
            database_url=database,
            role="api",
            parts={"placement": DiesAfterReserve},
            **QUICK,
        ) as first:
            await place(first, buyer, ("A", 1), key="k1")
        for hold in fakes.inventory.holds.values():
            hold["status"] = "expired"
        async with served(engines, "orders", prefix=prefix, database_url=database, **QUICK) as second:
            status, refused = await buy(second, buyer, ("A", 1), key="k1")
            assert (status, refused["code"]) == (409, "hold_lost")


class DiesAtWork(SagaResolver):
    async def _attend(self, due):
        raise CrashError


async def test_a_resolver_that_dies_at_work_is_followed_by_another_once_its_lease_is_over(engines, prefix):
    async with database_of(engines, "orders") as database, shop(engines.redis, prefix):
        buyer = customer()
        async with served(
            engines,
            "orders",
            prefix=prefix,
            database_url=database,
            resolver_lease_s=0.8,
            parts={"placement": DiesAfterReserve, "resolver": DiesAtWork},
            **QUICK,
        ) as first:
            await place(first, buyer, ("A", 1), key="k1")

            async def leased():
                return await rows(database, "SELECT 1 FROM sagas WHERE lease_until IS NOT NULL")

            await until(leased)
        async with served(engines, "orders", prefix=prefix, database_url=database, **QUICK) as second:
            assert (await buy(second, buyer, ("A", 1), key="k1"))[0] == 201


class OneSurprises(InventoryClient):
    """The first saga asked after is refused in words that no table can hold; the others hear when its try has ended."""

    def __init__(self, *args):
        super().__init__(*args)
        self.surprised = None

    async def reservation(self, reservation_id):
        if self.surprised is None:
            self.surprised = asyncio.current_task()
            raise RemoteRefusal(status=418, code="odd", detail="a zero \x00 byte")
        await until(self.surprised.done)
        return await super().reservation(reservation_id)


async def test_a_saga_that_surprises_the_resolver_costs_the_others_of_its_batch_nothing(engines, prefix):
    async with database_of(engines, "orders") as database, shop(engines.redis, prefix):
        async with served(
            engines, "orders", prefix=prefix, database_url=database, role="api", parts={"placement": DiesAfterBegin},
            **QUICK,
        ) as first:  # fmt: skip
            for _ in range(3):
                await place(first, customer(), ("A", 1))

            async def due():
                return len(await rows(database, "SELECT 1 FROM sagas WHERE due_at < clock_timestamp()")) == 3

            await until(due)
        async with served(
            engines, "orders", prefix=prefix, database_url=database, parts={"inventory": OneSurprises},
            resolver_lease_s=4.0, **QUICK,
        ):  # fmt: skip

            async def placed():
                return len(await rows(database, "SELECT 1 FROM audit.orders")) == 3

            await until(placed)
            tries = await rows(database, "SELECT number FROM saga_attempts")
            assert sorted(row["number"] for row in tries) == [2, 2, 3]  # the first was the buyer's own request


@pytest.mark.parametrize("plan", ["fail_before", "fail_after", "hang_before", "hang_after"])
async def test_a_lost_answer_of_inventory_is_unknown_at_first_and_known_in_the_end(engines, prefix, plan):
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, **QUICK) as orders,
    ):
        fakes.inventory.plan.append(plan)
        buyer = customer()
        async with orders.http.post(
            f"{orders.url}/api/v1/orders",
            headers={**orders.headers(buyer), "Idempotency-Key": "k1"},
            json=body(("A", 1)),
        ) as answer:
            problem = await answer.json(content_type=None)
            assert (answer.status, problem["code"]) == (503, "order_outcome_unknown")
            assert answer.headers["Retry-After"] == "1"

        async def known():
            status, order = await orders.call("GET", f"/api/v1/orders/{problem['order_id']}", principal=buyer)
            return order if status == 200 else None

        order = await until(known)
        fakes.inventory.resume.set()
        await until(lambda: fakes.inventory.late == plan.startswith("hang"))  # the late call arrives after all
        assert list(fakes.inventory.holds) == [order["id"]]
        _, story = await orders.call("GET", f"/internal/orders/{order['id']}/story")
        assert story["transitions"][0]["actor"] == "saga"
        assert story["saga_attempts"][-1]["outcome"] == "answered 201"


async def test_inventory_away_for_too_long_refuses_for_good_and_gives_back_what_may_be_held(engines, prefix):
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, reserving_s=0.8, **QUICK) as orders,
    ):
        fakes.inventory.plan.append("hang_after")
        fakes.inventory.on_held = lambda: setattr(fakes.inventory, "down", True)
        buyer = customer()
        assert (await place(orders, buyer, ("A", 1), key="k1"))[0] == 503
        status, refused = await buy(orders, buyer, ("A", 1), key="k1")
        assert (status, refused["code"]) == (503, "stock_unreachable")
        assert fakes.inventory.held_units("A") == 1
        fakes.inventory.down = False
        await until(lambda: fakes.inventory.held_units("A") == 0)

        async def ended():
            return await rows(orders.settings.database_url, "SELECT 1 FROM audit.sagas WHERE status = 'refused'")

        await until(ended)
        assert await place(orders, buyer, ("A", 1), key="k1") == (503, refused)


class HearsLate(Placement):
    """A process so busy that the resolver is at the saga before inventory's answer is taken in."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.told = asyncio.Event()
        self._inventory = AnswersLate(self._inventory, self.told)
        HearsLate.newest = self


class AnswersLate:
    """Inventory's client; what `reserve` came to is told when `told` is set."""

    def __init__(self, inventory, told):
        self._inventory = inventory
        self._told = told

    async def reserve(self, *args):
        try:
            return await self._inventory.reserve(*args)
        finally:
            await self._told.wait()


@pytest.mark.parametrize(
    ("plan", "answer"), [("ok", (409, "insufficient_stock")), ("refuse_oddly", (503, "order_outcome_unknown"))]
)
async def test_a_request_that_ends_while_the_resolver_is_at_its_saga_leaves_no_hold_of_nobody(
    engines, prefix, plan, answer
):
    """A unit comes back between inventory's no to the buyer's own request and the resolver's asking."""
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, parts={"placement": HearsLate}, **QUICK) as orders,
    ):
        inventory = fakes.inventory
        inventory.stock["A"] = 0
        inventory.plan.append(plan)
        inventory.may_show = asyncio.Event()
        asked = asyncio.create_task(place(orders, customer(), ("A", 1), key="k1"))
        await until(lambda: [call.split()[0] for call in inventory.calls] == ["reserve", "show"])
        HearsLate.newest.told.set()
        status, problem = await asked
        assert (status, problem["code"]) == answer
        inventory.stock["A"] = 1
        inventory.may_show.set()

        async def settled():
            """Every unit that is held is held for an order that a running saga leads."""
            sagas = await rows(orders.settings.database_url, "SELECT step, status FROM sagas")
            asked_again = [call.split()[0] for call in inventory.calls].count("reserve") == 2
            serves = any((saga["step"], saga["status"]) == ("paying", "running") for saga in sagas)
            return asked_again and inventory.held_units("A") == int(serves)

        await until(settled)


@asynccontextmanager
async def process_of(engines, prefix, database):
    """The orders service as a process of its own, ready."""
    port = free_port()
    environ = {
        "SHOPSTREAM_ENV": "test",
        "SHOPSTREAM_PORT": str(port),
        "SHOPSTREAM_DATABASE_URL": database,
        "SHOPSTREAM_REDIS_URL": engines.redis,
        "SHOPSTREAM_KAFKA_BOOTSTRAP": engines.kafka,
        "SHOPSTREAM_INTERNAL_SECRET": INTERNAL_SECRET,
        "SHOPSTREAM_PREFIX": prefix,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "svc.orders", env={**os.environ, **environ}, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with aiohttp.ClientSession() as http:

            async def live():
                try:
                    async with http.get(f"http://127.0.0.1:{port}/health/live") as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            await until(live)
            yield process, f"http://127.0.0.1:{port}", http
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_killed_for_real_between_hold_and_order_it_is_finished_by_the_next_start(engines, prefix):
    async with database_of(engines, "orders") as database, shop(engines.redis, prefix) as fakes:
        buyer = customer()
        async with process_of(engines, prefix, database) as (process, url, http):
            fakes.inventory.on_held = process.kill
            fakes.inventory.plan.append("hang_after")
            headers = {HEADER: InternalTokens(INTERNAL_SECRET).mint(buyer, "orders"), "Idempotency-Key": "k1"}
            with pytest.raises(aiohttp.ClientError):
                await http.post(f"{url}/api/v1/orders", headers=headers, json=body(("A", 1)))
            assert await process.wait() == -signal.SIGKILL
        fakes.inventory.on_held = lambda: None
        assert await rows(database, "SELECT 1 FROM audit.orders") == []
        async with served(engines, "orders", prefix=prefix, database_url=database, **QUICK) as second:
            status, order = await buy(second, buyer, ("A", 1), key="k1")
            assert status == 201, order
            assert fakes.inventory.held_units("A") == 1
