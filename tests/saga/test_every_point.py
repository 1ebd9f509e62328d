"""Orders killed at every point of its sagas, found in the code that leads them: each case ends, and nothing is lost.

Outsiders go on as they would: buyers repeat with their key, other services' events wait in their topics. Each story is
played once to see which points it reaches, then each point is played as its death; every test reads its own case.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import msgspec
import pytest
import uvloop
from structlog.testing import capture_logs

from shared.contracts.inventory import InventoryReleased
from shared.contracts.payments import PaymentFailed, PaymentProcessed, PaymentRefunded
from shared.fault_controls import ControlsFile, ServiceControls
from shared.identity import HEADER, InternalTokens, operator_principal
from svc.orders.settings import Settings
from tests.support.builders.orders import body, customer, fact
from tests.support.engines import EngineUrls
from tests.support.fakes.shop import Shop, shop
from tests.support.forked import forked
from tests.support.saga_points import points, serve
from tests.support.services import INTERNAL_SECRET, database_of, envelope, free_port, publish, topics, until

pytestmark = [pytest.mark.service("orders"), pytest.mark.matrices]

AT_ONCE_MAX = 4
DEADLINE_S = 60.0
QUICK: dict[str, Any] = {
    "reserve_timeout_s": 0.6, "withhold_timeout_s": 0.6, "resolver_grace_s": 0.1, "resolver_interval_s": 0.05,
    "resolver_retry_s": 0.05, "resolver_lease_s": 3.0,
}  # fmt: skip
ENDED = {"completed", "compensated", "refused"}


@dataclass
class Buyer:
    """One buyer with one wish, and what other services tell of it; every deed goes on until it is done."""

    engines: EngineUrls
    prefix: str
    database_url: str
    fakes: Shop
    url: str = ""

    def __post_init__(self) -> None:
        self.who = customer()
        self.payment_id = uuid4()
        self.order: dict[str, Any] = {}

    async def ask(self, method: str, path: str, *, who: Any = None, **kwargs: Any) -> tuple[int, Any]:
        """The first definite answer of whichever process is there."""

        async def answered() -> tuple[int, Any] | None:
            token = InternalTokens(INTERNAL_SECRET).mint(who or self.who, "orders")
            try:
                async with (
                    aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=8)) as http,
                    http.request(
                        method, self.url + path, headers={HEADER: token, "Idempotency-Key": "k1"}, **kwargs
                    ) as answer,
                ):
                    known = await answer.json(content_type=None)
            except (aiohttp.ClientError, TimeoutError, ValueError):
                return None
            unknown = answer.status >= 500 and known["code"] != "stock_unreachable"
            return None if unknown or known.get("code") == "request_in_flight" else (answer.status, known)

        return await until(answered, deadline_s=DEADLINE_S, every_s=0.1)

    async def buys(self, **more: Any) -> int:
        goods = () if more.pop("cart", None) else (("A", 1),)
        status, self.order = await self.ask("POST", "/api/v1/orders", json=body(*goods, **more))
        return status

    async def hears(self, kind: Any, **more: Any) -> None:
        event = fact(kind, self.order, self.who, **more)
        await publish(self.engines, self.prefix, envelope(event, f"{kind.type}-{self.order['id']}"))

    async def has(self, condition: str) -> None:
        """Wait for an order of which it is true."""
        await until(lambda: self.rows(f"SELECT id FROM orders WHERE {condition}"), deadline_s=DEADLINE_S)  # noqa: S608 its own words

    async def stock_comes_back(self, *, told: bool = True) -> None:
        self.fakes.inventory.holds[self.order["id"]]["status"] = "released"
        if told:
            await self.hears(InventoryReleased)

    async def rows(self, query: str) -> list[Any]:
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetch(query)
        finally:
            await connection.close()


async def pays(buyer: Buyer) -> None:
    assert await buyer.buys() == 201
    await buyer.hears(PaymentProcessed, payment_id=buyer.payment_id)
    await buyer.has("payment_state = 'captured'")


async def buys_the_cart(buyer: Buyer) -> None:
    await buyer.ask("POST", "/api/v1/cart/items", json={"sku": "A", "quantity": 1})
    assert await buyer.buys(cart=True) == 201
    await buyer.hears(PaymentProcessed)


async def repeats_what_is_done(buyer: Buyer) -> None:
    await pays(buyer)
    assert await buyer.buys() == 201


async def is_declined(buyer: Buyer) -> None:
    assert await buyer.buys() == 201
    await buyer.hears(PaymentFailed)
    await buyer.has("state = 'cancelled'")
    await buyer.stock_comes_back(told=False)


async def never_pays(buyer: Buyer) -> None:
    assert await buyer.buys() == 201
    await buyer.has("state = 'cancelled'")
    await buyer.hears(PaymentFailed)
    await buyer.stock_comes_back()


async def comes_too_late(buyer: Buyer) -> None:
    buyer.fakes.inventory.stock["A"] = 0
    assert await buyer.buys() == 409


async def has_a_coupon_that_is_used_up(buyer: Buyer) -> None:
    coupon = {"code": "GONE", "rate_bp": 1000, "uses_max": 1}
    assert (await buyer.ask("POST", "/api/v1/coupons", who=operator_principal(), json=coupon))[0] == 201
    await buyer.rows("UPDATE coupons SET uses = 1")
    assert await buyer.buys(coupon="GONE") == 409


async def finds_no_stock_keeper(buyer: Buyer) -> None:
    buyer.fakes.inventory.plan.extend(["hang_before"])
    assert await buyer.buys() == 201
    await buyer.hears(PaymentProcessed)


async def is_not_heard(buyer: Buyer) -> None:
    buyer.fakes.inventory.plan.append("fail_after")
    assert await buyer.buys() == 201
    await buyer.hears(PaymentProcessed)


async def is_refused_oddly(buyer: Buyer) -> None:
    buyer.fakes.inventory.plan.append("refuse_oddly")
    assert await buyer.buys() == 201
    await buyer.hears(PaymentProcessed)


async def changes_their_mind(buyer: Buyer) -> None:
    await pays(buyer)
    assert (await buyer.ask("POST", f"/api/v1/orders/{buyer.order['id']}/cancel"))[0] in {200, 202, 409}
    await buyer.has("state = 'cancelled'")
    await buyer.hears(PaymentRefunded, payment_id=buyer.payment_id)
    await buyer.stock_comes_back()


async def changes_their_mind_while_shipping_is_away(buyer: Buyer) -> None:
    buyer.fakes.shipping.goods = "undecided"
    await pays(buyer)
    await buyer.ask("POST", f"/api/v1/orders/{buyer.order['id']}/cancel")
    await until(lambda: len(buyer.fakes.shipping.asked) > 1)
    buyer.fakes.shipping.goods = "too_late"
    await buyer.has("state = 'accepted'")


async def is_asked_back(buyer: Buyer) -> None:
    await pays(buyer)
    recall = f"/internal/orders/{buyer.order['id']}/recall"
    await buyer.ask("POST", recall, who=operator_principal(), json={"reason": "sold by mistake"})
    await buyer.has("state = 'cancelled'")
    await buyer.hears(PaymentRefunded, payment_id=buyer.payment_id)
    await buyer.stock_comes_back()


Story = Callable[[Buyer], Awaitable[None]]
STORIES: Mapping[Story, dict[str, Any]] = {
    pays: {}, buys_the_cart: {}, repeats_what_is_done: {}, is_declined: {}, never_pays: {"paying_s": 0.5},
    comes_too_late: {}, has_a_coupon_that_is_used_up: {}, finds_no_stock_keeper: {}, is_not_heard: {},
    is_refused_oddly: {}, changes_their_mind: {}, changes_their_mind_while_shipping_is_away: {}, is_asked_back: {},
}  # fmt: skip
"""With the settings under which each is told."""


class Theatre:
    """Plays stories, some at once, each with a database, topics and neighbours of its own."""

    def __init__(self, engines: EngineUrls, folder: Path) -> None:
        self.engines, self.folder = engines, folder
        self._places = asyncio.Semaphore(AT_ONCE_MAX)
        self._numbers = count()

    async def reached(self, story: Story) -> set[str]:
        """The points that a story reaches where nobody dies."""
        record = self.folder / f"{story.__name__}.txt"
        try:
            await self._play(story, dies_at="", record=str(record))
        except Exception as error:
            raise AssertionError(f"{story.__name__} does not end even where nobody dies") from error
        return set(record.read_text().split("\n"))

    async def dies(self, story: Story, dies_at: str) -> BaseException | None:
        """What is wrong after a death at the point; None where all is well."""
        try:
            await self._play(story, dies_at=dies_at)
        except Exception as error:  # noqa: BLE001 raised in the case's own test
            return error
        return None

    async def _play(self, story: Story, *, dies_at: str, record: str = "") -> None:
        prefix = f"saga{next(self._numbers)}."
        async with (
            self._places,
            topics(self.engines, prefix),
            database_of(self.engines, "orders") as database_url,
            shop(self.engines.redis, prefix) as fakes,
        ):
            buyer = Buyer(self.engines, prefix, database_url, fakes)
            told = asyncio.create_task(self._to_the_end(story, buyer))
            try:
                settings = self._settings(buyer, STORIES[story], dies_at)
                async with forked(serve, settings, record) as first:
                    buyer.url = f"http://127.0.0.1:{settings.port}"
                    await until(lambda: told.done() or first.exitcode is not None, deadline_s=DEADLINE_S, every_s=0.02)
                    assert bool(dies_at) is (first.exitcode == -9), f"nobody died, or of something else: {first}"
                if not told.done():
                    settings = self._settings(buyer, STORIES[story], "")
                    async with forked(serve, settings, record):
                        buyer.url = f"http://127.0.0.1:{settings.port}"
                        await told
                await told
            finally:
                told.cancel()

    async def _to_the_end(self, story: Story, buyer: Buyer) -> None:
        """Complete or compensated, with the goods where they belong and everything told once."""
        await story(buyer)
        await until(lambda: self._has_ended(buyer), deadline_s=DEADLINE_S, every_s=0.1)
        orders = await buyer.rows("SELECT id, state FROM orders")
        assert len(orders) <= 1
        alive = sum(order["state"] != "cancelled" for order in orders)
        await until(lambda: buyer.fakes.inventory.held_units("A") == alive)
        events = [row["type"] for row in await buyer.rows("SELECT type FROM audit.outbox")]
        assert len(set(events)) == len(events)

    async def _has_ended(self, buyer: Buyer) -> bool:
        sagas = await buyer.rows("SELECT status FROM sagas")
        return len(sagas) == 1 and sagas[0]["status"] in ENDED

    def _settings(self, buyer: Buyer, more: dict[str, Any], dies_at: str) -> Settings:
        controls = self.folder / f"{buyer.prefix}{'armed' if dies_at else 'calm'}.json"
        controls.write_bytes(msgspec.json.encode(ControlsFile({"orders": ServiceControls(dies_at=dies_at)})))
        return Settings(
            env="test", instance="orders-1", port=free_port(), database_url=buyer.database_url,
            redis_url=self.engines.redis, kafka_bootstrap=self.engines.kafka, internal_secret=INTERNAL_SECRET,
            prefix=buyer.prefix, controls_file=str(controls), **{**QUICK, **more},
        )  # fmt: skip


async def _play_all(engines: EngineUrls, folder: Path) -> dict[str, BaseException | None]:
    """Every point → what went wrong there."""
    theatre = Theatre(engines, folder)
    seen = await asyncio.gather(*(theatre.reached(story) for story in STORIES))
    by_point = {point: story for story, points_seen in zip(STORIES, seen, strict=True) for point in points_seen}
    (folder / "reached.json").write_text(json.dumps({point: story.__name__ for point, story in by_point.items()}))
    cases = [point for point in points() if point in by_point]
    outcomes = await asyncio.gather(*(theatre.dies(by_point[point], point) for point in cases))
    unseen = AssertionError("no story here reaches it")
    return {**dict.fromkeys(points(), unseen), **dict(zip(cases, outcomes, strict=True))}


@pytest.fixture(scope="module")
def outcomes(engines, tmp_path_factory):
    with capture_logs():
        return uvloop.run(_play_all(engines, tmp_path_factory.mktemp("saga")))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", points())
def test_wherever_orders_is_killed_the_saga_ends_complete_or_compensated(outcomes, point):
    if outcomes[point] is not None:
        raise outcomes[point]
