"""The client against real HTTP servers, which misbehave on the level of sockets where that is the point."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import pytest
from aiohttp import web

from shared import caller, deadline, tracing
from shared.circuit_breaker import BreakerPolicy, CircuitOpenError, Mode
from shared.deadline import DeadlineExceeded
from shared.errors import RemoteRefusal, RemoteTimeoutError, RemoteUnavailableError
from shared.identity import HEADER, InternalTokens, Principal
from shared.service_client import ServiceClient, client, transport
from shared.service_registry import Registry
from shared.settings import ServiceSettings
from tests.support.redis_clients import connected
from tests.support.services import free_port, until

TOKENS = InternalTokens("s" * 40)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Quote(msgspec.Struct):
    amount_minor: int


class Fleet:
    """Instances of `shipping`, a client of `orders`, and what the instances were asked."""

    def __init__(self, client: ServiceClient, registry: Registry, stack: AsyncExitStack) -> None:
        self.client = client
        self.registry = registry
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.asked: Counter[str] = Counter()
        self._stack = stack

    async def instance(self, name: str, handler: Handler, *, load: int = 0) -> web.TCPSite:
        async def noted(request: web.Request) -> web.StreamResponse:
            self.requests.append(request)
            self.bodies.append(await request.read())
            self.asked[name] += 1
            return await handler(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", noted)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        port = free_port()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        await self.announce(name, port, load=load)
        return site

    async def announce(self, name: str, port: int, *, load: int = 0) -> None:
        await self.registry.heartbeat("shipping", name, f"http://127.0.0.1:{port}", load)

    async def quote(self, method: str = "GET", **more: object) -> Quote:
        return await self.client.request("shipping", method, "/internal/quote", response_type=Quote, **more)


@asynccontextmanager
async def fleet(redis_url: str, prefix: str, *, policy: BreakerPolicy | None = None) -> AsyncIterator[Fleet]:
    settings = ServiceSettings(service="orders", internal_secret="s" * 40, prefix=prefix)
    async with connected(redis_url) as redis, AsyncExitStack() as stack:
        registry = Registry(redis, prefix)
        client = ServiceClient(settings, registry, TOKENS, redis, breaker_policy=policy)
        await client.open()
        stack.push_async_callback(client.close)
        yield Fleet(client, registry, stack)


async def answer(_: web.Request) -> web.Response:
    return web.json_response({"amount_minor": 490})


def status(code: int, body: dict | None = None) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response(body or {}, status=code)

    return handler


async def hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(_: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


async def test_an_answer_is_decoded_and_the_call_carries_identity_trace_and_deadline(redis_url, prefix):
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", answer)
        with tracing.span("checkout"):
            trace_id = tracing.current_trace_id()
            assert await shop.quote("POST", json={"weight_g": 5}, timeout_s=1) == Quote(490)
        headers = shop.requests[0].headers
        assert TOKENS.verify(headers[HEADER], "shipping").subject == "orders"
        assert headers["traceparent"][3:35] == trace_id
        assert 0 < int(headers[deadline.HEADER]) < 1_000
        assert shop.bodies == [b'{"weight_g":5}']


async def test_the_callers_principal_is_passed_on_when_given(redis_url, prefix):
    ann = Principal("ann", frozenset({"customer"}))
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", answer)
        await shop.quote(principal=ann)
        assert TOKENS.verify(shop.requests[0].headers[HEADER], "shipping") == ann


async def test_without_a_response_type_there_is_no_result(redis_url, prefix):
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", status(204))
        assert await shop.client.request("shipping", "DELETE", "/x") is None


async def test_a_refusal_keeps_status_code_detail_and_members(redis_url, prefix):
    body = {"status": 409, "code": "sold_out", "detail": "none left", "trace_id": "t", "available": 0}
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", status(409, body))
        with pytest.raises(RemoteRefusal) as caught:
            await shop.quote()
        refusal = caught.value
        assert (refusal.status, refusal.code, refusal.detail) == (409, "sold_out", "none left")
        assert refusal.extra == {"available": 0}
        assert shop.asked.total() == 1


@pytest.mark.parametrize("code", [301, 302, 307])
async def test_redirects_are_not_followed(redis_url, prefix, code):
    async def away(_: web.Request) -> web.Response:
        return web.Response(status=code, headers={"Location": "/elsewhere"})

    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", away)
        with pytest.raises(RemoteUnavailableError):
            await shop.quote()
        assert {request.path for request in shop.requests} == {"/internal/quote"}


async def test_cookies_are_not_kept(redis_url, prefix):
    async def cookie(_: web.Request) -> web.Response:
        return web.json_response({"amount_minor": 1}, headers={"Set-Cookie": "session=1"})

    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", cookie)
        await shop.quote()
        await shop.quote()
        assert "Cookie" not in shop.requests[1].headers


async def test_a_dead_connection_leads_to_another_instance_when_the_call_is_idempotent(redis_url, prefix):
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", hang_up, load=0)
        await shop.instance("shipping-2", answer, load=50)
        assert await shop.quote() == Quote(490)
        assert shop.asked == {"shipping-1": 1, "shipping-2": 1}
        await shop.quote()
        assert shop.asked["shipping-1"] == 1  # avoided for a while, although it claims to be idle


async def test_a_dead_connection_is_not_repeated_when_the_call_is_not_idempotent(redis_url, prefix):
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", hang_up, load=0)
        await shop.instance("shipping-2", answer, load=50)
        with pytest.raises(RemoteUnavailableError) as caught:
            await shop.quote("POST", json={})
        assert caught.value.effect_possible
        assert shop.asked == {"shipping-1": 1}


async def test_a_command_declared_idempotent_is_repeated(redis_url, prefix):
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", hang_up, load=0)
        await shop.instance("shipping-2", answer, load=50)
        assert await shop.quote("POST", json={}, idempotent=True) == Quote(490)


async def test_what_may_have_arrived_once_no_later_attempt_denies(redis_url, prefix):
    """The first attempt arrives and dies, the second finds nobody: together they know nothing of the effect."""

    async def works_and_dies(request: web.Request) -> web.Response:
        await site.stop()
        return await hang_up(request)

    async with fleet(redis_url, prefix) as shop:
        site = await shop.instance("shipping-1", works_and_dies)
        with pytest.raises(RemoteUnavailableError, match="refused") as caught:
            await shop.quote("POST", json={}, idempotent=True)
        assert shop.asked == {"shipping-1": 1}
        assert caught.value.effect_possible


async def test_a_refused_connection_leads_elsewhere_even_for_a_command(redis_url, prefix):
    async with fleet(redis_url, prefix) as shop:
        await shop.announce("shipping-1", free_port(), load=0)
        await shop.instance("shipping-2", answer, load=50)
        assert await shop.quote("POST", json={}) == Quote(490)


async def test_with_no_instance_at_all_the_call_certainly_had_no_effect(redis_url, prefix):
    async with fleet(redis_url, prefix) as shop:
        with pytest.raises(RemoteUnavailableError) as caught:
            await shop.quote()
        assert not caught.value.effect_possible


@pytest.mark.parametrize(("code", "calls"), [(503, 3), (502, 3), (500, 1)])
async def test_only_passing_server_failures_are_repeated(redis_url, prefix, code, calls):
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", status(code))
        with pytest.raises(RemoteUnavailableError):
            await shop.quote()
        assert shop.asked.total() == calls


async def test_a_slow_callee_is_given_up_once_and_the_outcome_is_unknown(redis_url, prefix):
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", hang)
        started = time.monotonic()
        with pytest.raises(RemoteTimeoutError):
            await shop.quote(timeout_s=0.15)
        assert time.monotonic() - started < 1
        assert shop.asked.total() == 1


async def test_the_requests_deadline_shrinks_the_calls_limit(redis_url, prefix):
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", hang)
        started = time.monotonic()
        with deadline.within(0.15), pytest.raises(RemoteTimeoutError):
            await shop.quote(timeout_s=20)
        assert time.monotonic() - started < 1
        with deadline.within(0), pytest.raises(DeadlineExceeded):
            await shop.quote()
        assert shop.asked.total() == 1


async def test_a_failing_service_opens_its_breaker_and_is_left_alone(redis_url, prefix):
    policy = BreakerPolicy(failures_min=4, open_ms=60_000)
    async with fleet(redis_url, prefix, policy=policy) as shop:
        await shop.instance("shipping-1", status(500))
        for number in range(4):
            with caller.serving(f"customer-{number}"), pytest.raises(RemoteUnavailableError):
                await shop.quote()
        with pytest.raises(CircuitOpenError):
            await shop.quote()
        assert shop.asked.total() == 4


async def test_a_service_that_is_not_there_yet_is_called_as_soon_as_it_is(redis_url, prefix):
    async with fleet(redis_url, prefix, policy=BreakerPolicy(failures_min=4, open_ms=60_000)) as shop:
        for number in range(8):
            with caller.serving(f"customer-{number}"), pytest.raises(RemoteUnavailableError, match="is ready"):
                await shop.quote()
        await shop.instance("shipping-1", answer)
        assert await until(lambda: quoted(shop)) == Quote(490)
        assert shop.client.breaker("shipping").mode is Mode.CLOSED


async def quoted(shop: Fleet) -> Quote | None:
    """None while this process has not read the registry again."""
    with contextlib.suppress(RemoteUnavailableError):
        return await shop.quote()
    return None


async def test_one_callers_failures_do_not_open_the_breaker_for_the_others(redis_url, prefix):
    async def poisoned(request: web.Request) -> web.Response:
        served = "poison" not in request.query
        return web.json_response({"amount_minor": 7}, status=200 if served else 500)

    async with fleet(redis_url, prefix, policy=BreakerPolicy(open_ms=60_000)) as shop:
        await shop.instance("shipping-1", poisoned)
        with caller.serving("mallory"):
            for _ in range(30):
                with pytest.raises(RemoteUnavailableError):
                    await shop.client.request("shipping", "POST", "/quote?poison", response_type=Quote)
        with caller.serving("ann"):
            assert (await shop.quote()).amount_minor == 7


async def test_refusals_do_not_open_the_breaker(redis_url, prefix):
    async with fleet(redis_url, prefix, policy=BreakerPolicy(failures_min=3)) as shop:
        await shop.instance("shipping-1", status(409, {"code": "sold_out"}))
        for _ in range(10):
            with pytest.raises(RemoteRefusal):
                await shop.quote()


async def test_retries_stay_within_the_budget(redis_url, prefix):
    async with fleet(redis_url, prefix, policy=BreakerPolicy(failures_min=10_000)) as shop:
        await shop.instance("shipping-1", status(503))
        for _ in range(60):
            with pytest.raises(RemoteUnavailableError):
                await shop.quote()
        assert 60 <= shop.asked.total() <= 60 + 10 + 6


async def test_calls_to_one_service_are_bounded(redis_url, prefix, monkeypatch):
    monkeypatch.setattr(client, "IN_FLIGHT_PER_SERVICE_MAX", 3)
    release = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        await release.wait()
        return web.json_response({"amount_minor": 1})

    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", wait)
        calls = [asyncio.create_task(shop.quote()) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(RemoteUnavailableError, match="too many"):
            await shop.quote()
        release.set()
        assert await asyncio.gather(*calls) == [Quote(1)] * 3
        assert await shop.quote() == Quote(1)


async def test_the_less_loaded_instance_gets_the_calls(redis_url, prefix):
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", answer, load=40)
        await shop.instance("shipping-2", answer, load=2)
        for _ in range(10):
            await shop.quote()
        assert shop.asked == {"shipping-2": 10}


async def test_calls_at_once_spread_over_equal_instances(redis_url, prefix):
    async def slowly(request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return await answer(request)

    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", slowly)
        await shop.instance("shipping-2", slowly)
        await asyncio.gather(*(shop.quote() for _ in range(40)))
        assert min(shop.asked.values()) >= 15


async def test_an_answer_over_the_bound_is_refused(redis_url, prefix, monkeypatch):
    monkeypatch.setattr(transport, "RESPONSE_BYTES_MAX", 100)

    async def chunks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10):
            await response.write(b"x" * 50)
        return response

    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", chunks)
        with pytest.raises(RemoteUnavailableError):
            await shop.quote("POST", json={})


async def test_an_answer_that_cannot_be_read_is_a_failure_of_the_callee(redis_url, prefix):
    async with fleet(redis_url, prefix) as shop:
        await shop.instance("shipping-1", status(200, {"amount_minor": "many"}))
        with pytest.raises(RemoteUnavailableError, match="cannot be read"):
            await shop.quote()
