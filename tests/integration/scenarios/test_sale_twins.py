"""What the twins of the sale do that only a killed process or a second login brings out."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from scenarios.defects import catalogue
from scenarios.defects.flash_sale import lock_without_ttl
from svc.inventory.batcher import ReservationBatcher
from svc.inventory.domain import HoldRequest, InsufficientStock, Line
from svc.orders.domain.cart import CartLine, merge_lines
from tests.support.engines import EngineUrls


class Served:
    """A database whose batches are served by noting their SKUs."""

    def __init__(self) -> None:
        self.skus: list[str] = []

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[None]:
        yield

    async def reserve(self, _uow: Any, requests: Any) -> list[Any]:
        self.skus.extend(request.lines[0].sku for request in requests)
        return ["held" for _ in requests]


def wish(sku: str) -> HoldRequest:
    return HoldRequest(reservation_id=uuid4(), customer_id=uuid4(), lines=(Line(sku, 1),), ttl_s=600.0)


async def test_the_ticket_of_a_dead_process_freezes_its_sku_and_no_other(
    engines: EngineUrls, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_without_ttl, "PATIENCE_S", 0.5)
    told: Any = SimpleNamespace(redis_url=engines.redis, prefix=prefix)
    served: Any = Served()
    batcher = catalogue.twins_of("lock-without-ttl")["inventory.batcher"](ReservationBatcher, told)(
        served, served.reserve
    )
    assert await batcher.hold(wish("A")) == "held"
    redis: Redis = Redis.from_url(engines.redis)
    await redis.rpush(f"{prefix}stock-queue:A", "of a dead process")
    with pytest.raises(InsufficientStock):
        await batcher.hold(wish("A"))
    assert await batcher.hold(wish("B")) == "held"
    assert served.skus == ["A", "B"]
    await batcher.close()
    assert await redis.lrange(f"{prefix}stock-queue:A", 0, -1) == [b"of a dead process"]
    await redis.aclose()


def test_a_cart_that_is_merged_again_has_its_lines_twice() -> None:
    merge = catalogue.twins_of("cart-merge-duplicates-lines")["orders.merge_lines"](merge_lines, SimpleNamespace())
    once = merge([], [CartLine("A", 1), CartLine("B", 1)])
    assert {line.sku: line.quantity for line in once} == {"A": 1, "B": 1}
    assert {line.sku: line.quantity for line in merge(once, [CartLine("A", 1)])} == {"A": 2, "B": 1}
