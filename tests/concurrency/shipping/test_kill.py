"""kill -9 of the real process while the carrier misbehaves: every paid order leaves once."""

import asyncio
import os
import random
import signal
import sys
from contextlib import asynccontextmanager

import pytest

from scenarios.world.app import World
from scenarios.world.carrier.simulator import Behaviour
from scenarios.world.settings import WorldSettings
from tests.support.sending import HASTE, a_paid_order, reopened
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

pytestmark = [pytest.mark.service("shipping"), pytest.mark.timeout(180)]

KILLS = 3
ORDERS = 36


@asynccontextmanager
async def process(engines, prefix, world, database_url, *, port):
    """`python -m svc.shipping`; killed -9 at the end of the block."""
    environ = {
        **os.environ,
        "SHOPSTREAM_ENV": "test",
        "SHOPSTREAM_PORT": str(port),
        "SHOPSTREAM_DATABASE_URL": database_url,
        "SHOPSTREAM_REDIS_URL": engines.redis,
        "SHOPSTREAM_KAFKA_BOOTSTRAP": engines.kafka,
        "SHOPSTREAM_CARRIER_URL": world.carrier_url,
        "SHOPSTREAM_INTERNAL_SECRET": INTERNAL_SECRET,
        "SHOPSTREAM_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "SHOPSTREAM_PREFIX": prefix,
        **{f"SHOPSTREAM_{name.upper()}": str(value) for name, value in HASTE.items()},
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "svc.shipping", env=environ, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            os.kill(child.pid, signal.SIGKILL)
        await child.wait()


async def test_kill_9_at_any_moment_sends_every_parcel_once(engines, prefix, tmp_path):
    dice, port = random.Random(5), free_port()
    world = World(WorldSettings(folder=tmp_path, webhook_secret=WEBHOOK_SECRET, gateway_url=f"http://127.0.0.1:{port}"))
    await world.start()
    try:
        async with topics(engines, prefix), database_of(engines, "shipping") as database_url:
            orders = [a_paid_order() for _ in range(ORDERS)]
            for kill in range(KILLS):
                async with process(engines, prefix, world, database_url, port=port):
                    world.carrier.behave(_turbulence(seed=kill))
                    batch = orders[kill::KILLS]
                    await publish(engines, prefix, *(envelope(order, order.order_id, 2) for order in batch))
                    fatal = world.carrier.shipments.counts["label"] + dice.randint(1, len(batch) // 2)
                    await until(lambda fatal=fatal: world.carrier.shipments.counts["label"] >= fatal)
            async with reopened(engines, prefix, world, database_url) as survivor:
                for order in orders:
                    await survivor.reaches(order, "delivered")
                for kind in ("label", "handed_over"):
                    assert [len(survivor.journal(order, kind)) for order in orders] == [1] * ORDERS
                told = ["shipment.created", "shipment.dispatched", "shipment.delivered"]
                assert [await survivor.told(order) for order in orders] == [told] * ORDERS
    finally:
        await world.stop()


def _turbulence(*, seed):
    return Behaviour(
        in_transit_after_s=0.05, delivered_after_s=0.05, error_rate=0.15, slow_rate=0.15, slow_s=2, idempotency=False,
        webhook_copies=3, webhook_shuffle=True, seed=seed,
    )  # fmt: skip
