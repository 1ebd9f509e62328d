"""Limits hold when everybody comes at the same instant.

Judged by counts, on a machine of any speed: a window of an hour gives nothing back while a test lasts, and what could
not be decided in time (5xx) is asked again until it is.
"""

import asyncio

import aiohttp
import pytest
from redis.asyncio import Redis

from svc.gateway.limits import RateLimits
from svc.gateway.rate_limit import RateLimited
from svc.gateway.settings import Settings
from tests.support.gateway_steps import door

LIMIT = 10
CROWD = 200
WINDOW_S = 3600
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _redis_may_be_slow(monkeypatch):
    """Redis is never taken for away, so that every hit is counted."""
    monkeypatch.setattr("shared.redis_gate.COMMAND_LIMIT_S", PATIENCE_S)
    monkeypatch.setattr("shared.redis_gate.SOCKET_TIMEOUT_S", PATIENCE_S)


async def _decided(ask):
    """What the gateway answers once it has decided: it may have been too busy before."""
    while True:
        answer = await ask()
        if answer.status < 500:
            return answer


@pytest.mark.service("gateway")
async def test_two_hundred_synchronised_hits_over_four_processes_connections_let_ten_through(engines, prefix):
    clients = [Redis.from_url(engines.redis) for _ in range(4)]
    settings = Settings(internal_secret="x" * 32, prefix=prefix, limit_auth=f"{LIMIT}/{WINDOW_S}")
    try:
        limits = [RateLimits(client, settings) for client in clients]
        start = asyncio.Event()

        async def hit(number):
            await start.wait()
            return await limits[number % len(limits)].hit("auth", "203.0.113.5")

        hits = [asyncio.create_task(hit(number)) for number in range(CROWD)]
        await asyncio.sleep(0)
        start.set()
        outcomes = await asyncio.gather(*hits, return_exceptions=True)
    finally:
        for client in clients:
            await client.aclose()
    refused = [outcome for outcome in outcomes if isinstance(outcome, RateLimited)]
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == refused
    assert len(outcomes) - len(refused) == LIMIT
    assert all(refusal.extra["retry_after_s"] > 0 for refusal in refused)


@pytest.mark.service("gateway")
@pytest.mark.parametrize("spoof", [False, True])
async def test_two_hundred_synchronised_logins_let_ten_through_whatever_they_say_of_themselves(engines, prefix, spoof):
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        door(engines, prefix, limit_auth=f"{LIMIT}/{WINDOW_S}/{LIMIT}") as shop,
        aiohttp.ClientSession(connector=connector) as http,
    ):
        start = asyncio.Event()

        async def try_login(number):
            spoofed = {"X-Forwarded-For": f"10.0.{number}.1", "X-Real-IP": f"10.0.{number}.1"}
            await start.wait()
            url = shop.url + "/api/v1/auth/login"

            async def log_in():
                async with http.post(url, json={"n": number}, headers=spoofed if spoof else {}) as answer:
                    return answer

            return await _decided(log_in)

        tries = [asyncio.create_task(try_login(number)) for number in range(CROWD)]
        start.set()
        answers = await asyncio.gather(*tries)
        let_through = [answer for answer in answers if answer.status == 200]
        refused = [answer for answer in answers if answer.status == 429]
        assert len(let_through) + len(refused) == CROWD
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        arrived = [seen for seen in shop.fakes["auth"].requests if seen["target"] == "/api/v1/auth/login"]
        assert 1 <= len(let_through) <= len(arrived) <= LIMIT


@pytest.mark.service("gateway")
async def test_one_callers_crowd_takes_nothing_from_another(engines, prefix):
    async with door(engines, prefix, "orders", limit_checkout=f"{LIMIT}/{WINDOW_S}/{LIMIT}") as shop:
        greedy, patient = shop.issuer.token(), shop.issuer.token()

        def look(token):
            return _decided(lambda: shop.call("GET", "/api/v1/orders", token=token))

        statuses = [answer.status for answer in await asyncio.gather(*(look(greedy) for _ in range(CROWD // 4)))]
        assert set(statuses) == {200, 429}
        assert statuses.count(200) <= LIMIT
        assert (await look(patient)).status == 200
