"""A world and a webhook receiver for tests: real servers on free ports of this machine."""

import asyncio
import contextlib
import time

import aiohttp
import msgspec
from aiohttp import web

from scenarios.world.app import World
from scenarios.world.settings import WorldSettings

DEADLINE_S = 10.0


async def until(condition, what, *, within_s=DEADLINE_S):
    """Wait until `condition()` is true; fail with `what` after the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.01)


def point_webhooks_at(world, gateway_url):
    """Send webhooks to another gateway from now on, whose port is known only when it listens."""
    world.settings = msgspec.structs.replace(world.settings, gateway_url=gateway_url)
    world.psp.webhooks.url = world.settings.psp_webhook_url
    world.carrier.webhooks.url = world.settings.carrier_webhook_url


class Receiver:
    """The merchant's side of webhooks: keeps every request, answers what it is told."""

    def __init__(self):
        self.requests = []
        self.statuses = []
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def bodies(self):
        return [body for _, body, _, _ in self.requests]

    def types(self):
        return [body["type"] for body in self.bodies]

    async def take(self, request):
        status = self.statuses.pop(0) if self.statuses else 200
        raw = await request.read()
        self.requests.append((request.path, await request.json(), raw, request.headers))
        return web.Response(status=status)


@contextlib.asynccontextmanager
async def receiver(port=0):
    taken = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", taken.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    taken.port = runner.addresses[0][1]
    try:
        yield taken
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def running_world(folder, **settings):
    world = World(WorldSettings(folder=folder, **settings))
    await world.start()
    try:
        async with aiohttp.ClientSession() as http:
            world.http = http
            yield world
    finally:
        await world.stop()


async def call(world, method, url, *, json=None, headers=None, expect=None):
    """Status and decoded body of one call."""
    async with world.http.request(method, url, json=json, headers=headers) as answer:
        text = await answer.read()
        if expect is not None:
            assert answer.status == expect, text
        is_json = answer.content_type == "application/json" and text
        return answer.status, (await answer.json()) if is_json else text


async def pay(world, reference="order-1", *, key=None, method="tok_visa", amount=5_999, expect=201, **fields):
    body = {
        "merchant_reference": reference,
        "amount_minor": amount,
        "currency": "EUR",
        "payment_method": method,
        **fields,
    }
    headers = {"Idempotency-Key": key or f"key-{reference}"}
    _, payment = await call(world, "POST", f"{world.psp_url}/v1/payments", json=body, headers=headers, expect=expect)
    return payment


async def behave(world, **behaviour):
    await call(world, "PUT", f"{world.psp_url}/control/behaviour", json=behaviour, expect=200)
