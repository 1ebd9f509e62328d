"""kill -9 of the real process while the PSP misbehaves: every order is charged once, whatever was going on."""

import asyncio
import os
import random
import signal
import sys
from contextlib import asynccontextmanager

import pytest

from scenarios.world.psp.behaviour import Behaviour
from tests.support.paying import HASTE, an_order, psp_world, reopened
from tests.support.services import (
    INTERNAL_SECRET,
    WEBHOOK_SECRET,
    database_of,
    envelope,
    free_port,
    publish,
    topics,
    until,
)

pytestmark = [pytest.mark.service("payments"), pytest.mark.timeout(180)]

KILLS = 5
ORDERS = 60


@asynccontextmanager
async def process(engines, prefix, world, database_url, *, port):
    """`python -m svc.payments`; killed -9 at the end of the block."""
    environ = {
        **os.environ,
        "SHOPSTREAM_ENV": "test",
        "SHOPSTREAM_PORT": str(port),
        "SHOPSTREAM_DATABASE_URL": database_url,
        "SHOPSTREAM_REDIS_URL": engines.redis,
        "SHOPSTREAM_KAFKA_BOOTSTRAP": engines.kafka,
        "SHOPSTREAM_PSP_URL": world.psp_url,
        "SHOPSTREAM_INTERNAL_SECRET": INTERNAL_SECRET,
        "SHOPSTREAM_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "SHOPSTREAM_PREFIX": prefix,
        **{f"SHOPSTREAM_{name.upper()}": str(value) for name, value in HASTE.items()},
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "svc.payments", env=environ, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            os.kill(child.pid, signal.SIGKILL)
        await child.wait()


async def test_kill_9_at_any_moment_charges_every_order_once(engines, prefix, tmp_path):
    dice, port = random.Random(11), free_port()
    async with (
        topics(engines, prefix),
        psp_world(tmp_path, gateway_url=f"http://127.0.0.1:{port}") as world,
        database_of(engines, "payments") as database_url,
    ):
        orders = [an_order(total_minor=1_000 + number) for number in range(ORDERS)]
        for kill in range(KILLS):
            async with process(engines, prefix, world, database_url, port=port):
                world.psp.behave(_turbulence(seed=kill))
                batch = orders[kill::KILLS]
                await publish(engines, prefix, *(envelope(order, order.order_id) for order in batch))
                fatal = world.psp.payments.moved["capture"] + dice.randint(1, len(batch) // 2)
                await until(lambda fatal=fatal: world.psp.payments.moved["capture"] >= fatal)
        async with reopened(engines, prefix, world, database_url) as survivor:
            for order in orders:
                await survivor.reaches(order, "captured")
            assert [len(survivor.journal(order, "capture")) for order in orders] == [1] * ORDERS
            assert [await survivor.told(order) for order in orders] == [["payment.processed"]] * ORDERS
            await survivor.webhooks_applied()
            status, books = await survivor.service.call("GET", "/internal/reconciliation")
            assert (status, books["differences"], books["in_flight"]) == (200, [], 0)


def _turbulence(*, seed):
    return Behaviour(
        timeout_after_success_rate=0.08, error_then_success_rate=0.04, slow_rate=0.05, slow_s=2, idempotency=False,
        webhook_copies=3, webhook_before_response_rate=0.1, webhook_shuffle=True, seed=seed,
    )  # fmt: skip
