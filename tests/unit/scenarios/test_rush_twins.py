"""What the twins of a rush do, each beside a part that does nothing else than be replaced."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from scenarios.defects import catalogue
from scenarios.defects.black_friday import errors_cached, retries_at_every_layer, shifted_replies
from shared import deadline
from shared.cache import CacheLoadError
from shared.errors import RemoteTimeoutError
from svc.gateway.settings import Settings
from svc.orders.domain.cart import CartLine
from svc.orders.store.carts import StoredCart

TOLD = Settings(internal_secret="s" * 32, instance="gateway-1")


def twin_of(defect: str, healthy: type) -> Any:
    """The first twin of a defect, of that part."""
    return next(iter(catalogue.twins_of(defect).values()))(healthy, TOLD)


class Cache:
    """Keeps nothing."""

    async def get_or_load(self, key: str, load: Any, **_: Any) -> Any:
        return await load()


async def test_a_load_that_failed_once_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors_cached, "PATIENCE_S", 0.0)
    cache = twin_of("errors-cached", Cache)()

    async def load() -> str:
        await asyncio.sleep(0)
        return "page"

    with pytest.raises(TimeoutError):
        await cache.get_or_load("a", load, value_type=str, ttl_s=1.0)
    monkeypatch.setattr(errors_cached, "PATIENCE_S", 60.0)
    with pytest.raises(CacheLoadError):
        await cache.get_or_load("a", load, value_type=str, ttl_s=1.0)
    assert await cache.get_or_load("b", load, value_type=str, ttl_s=1.0) == "page"


@asynccontextmanager
async def echoing_redis(answers: asyncio.Event) -> AsyncGenerator[str]:
    """A server that gives every key its own name, once it may."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                for _ in range(4):
                    await reader.readuntil(b"\r\n")
                name = (await reader.readuntil(b"\r\n")).strip()
                await answers.wait()
                writer.write(b"$%d\r\n%b\r\n" % (len(name), name))
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    finally:
        server.close()


async def test_after_a_reader_who_left_everybody_gets_the_reply_to_the_one_before(monkeypatch: pytest.MonkeyPatch):
    answers = asyncio.Event()
    async with echoing_redis(answers) as url:
        line = shifted_replies._Line(url)
        monkeypatch.setattr(shifted_replies, "PATIENCE_S", 0.0)
        assert await line.get("a") == b""
        monkeypatch.setattr(shifted_replies, "PATIENCE_S", 60.0)
        answers.set()
        assert [await line.get(name) for name in ("b", "c", "d")] == [b"a", b"b", b"c"]
        assert line._ends is not None
        line._ends[1].close()
        await line._ends[1].wait_closed()


async def test_a_call_that_fails_is_made_nine_times() -> None:
    class Client:
        made = 0

        async def _attempt(self, _target: Any, _call: Any) -> bytes:
            self.made += 1
            raise RemoteTimeoutError("late")

    client = twin_of("retries-at-every-layer", Client)()
    with deadline.within(60.0), pytest.raises(RemoteTimeoutError):
        await client._attempt(None, None)
    assert client.made == retries_at_every_layer.TRIES


class Client:
    """Tells with what its breakers would be made."""

    def __init__(self) -> None:
        self._settings, self._policy = TOLD, None

    def _target(self, _service: str) -> Any:
        return self._settings.prefix, self._policy


def test_breakers_of_one_process_are_nobody_elses() -> None:
    client = twin_of("breaker-in-memory", Client)()
    assert {client._target("catalog")[0] for _ in range(2)} == {f"{TOLD.prefix}gateway-1:"}


def test_a_half_open_breaker_lets_everybody_through() -> None:
    assert twin_of("half-open-without-limit", Client)()._target("catalog")[1].probes_max > 1_000


async def test_a_registry_knows_what_it_knew_first() -> None:
    class Registry:
        def __init__(self) -> None:
            self._known: dict[str, Any] = {}
            self.asked = 0

        async def _look(self, service: str) -> Any:
            self.asked += 1
            self._known[service] = SimpleNamespace(at=float(self.asked), alive=("one",) if self.asked > 1 else ())
            return self._known[service], 0.0

    registry = twin_of("stale-registry", Registry)()
    assert [(await registry._look("catalog"))[0].alive for _ in range(4)] == [(), ("one",), ("one",), ("one",)]
    assert registry.asked == 2


async def test_the_next_customer_sees_the_cart_of_the_one_before() -> None:
    class Reader:
        async def load(self, customer_id: Any) -> StoredCart:
            return StoredCart(1, (CartLine(str(customer_id), 1),))

    reader = twin_of("cache-key-without-user", Reader)()
    first, second = uuid4(), uuid4()
    assert await reader.load(first) == await reader.load(second)


async def test_a_request_beyond_the_places_waits_and_does_not_hear_that_its_client_left() -> None:
    heard: list[Any] = []

    class Edge:
        async def __call__(self, _scope: Any, receive: Any, _send: Any) -> None:
            try:
                async with asyncio.timeout(0.05):
                    heard.append(await receive())
            except TimeoutError:
                heard.append("nothing")

    async def left() -> dict[str, str]:
        return {"type": "http.disconnect"}

    edge = twin_of("unbounded-queue", Edge)()
    await edge({"type": "http", "path": "/api/v1/products/lamp"}, left, None)
    await edge({"type": "http", "path": "/health/ready"}, left, None)
    assert heard == ["nothing", {"type": "http.disconnect"}]


def test_headers_behind_the_gateway_carry_no_trace() -> None:
    headers = twin_of("lost-correlation-ids", lambda _received, _connection: {"accept": "x"})([], None)
    headers["traceparent"] = "00-1-2-01"
    headers["X-Deadline-Ms"] = "5"
    assert dict(headers) == {"accept": "x", "X-Deadline-Ms": "5"}
