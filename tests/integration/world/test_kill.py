"""The world as its own process, killed without warning and started again on the same folder."""

import asyncio
import contextlib
import os
import socket
import sys
import time

import aiohttp

from scenarios.world.journals import read_journals
from tests.support.world import behave, call, pay, receiver, until

PARTS = ("psp", "carrier", "smtp", "catcher", "fault_api")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """`python -m scenarios.world` on fixed ports."""

    def __init__(self, folder, http, gateway_url):
        self.ports = {part: free_port() for part in PARTS}
        self.http = http
        self.environ = os.environ | {
            "SHOPSTREAM_WORLD_DIR": str(folder),
            "SHOPSTREAM_GATEWAY_URL": gateway_url,
            "SHOPSTREAM_PROXIES": "[]",
            **{f"SHOPSTREAM_{part.upper()}_PORT": str(port) for part, port in self.ports.items()},
        }
        self.child = None

    @property
    def psp_url(self):
        return f"http://127.0.0.1:{self.ports['psp']}"

    @property
    def carrier_url(self):
        return f"http://127.0.0.1:{self.ports['carrier']}"

    @property
    def faults_url(self):
        return f"http://127.0.0.1:{self.ports['fault_api']}"

    async def start(self):
        self.child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scenarios.world", env=self.environ, stderr=asyncio.subprocess.DEVNULL
        )
        await until(self.healthy, "the world answers on every port")

    async def healthy(self):
        for part in PARTS:
            if part == "smtp":
                continue
            try:
                async with self.http.get(f"http://127.0.0.1:{self.ports[part]}/healthz") as answer:
                    if answer.status != 200:
                        return False
            except aiohttp.ClientError:
                return False
        return True

    async def kill(self):
        self.child.kill()
        await self.child.wait()

    async def stop(self):
        if self.child is not None and self.child.returncode is None:
            self.child.terminate()
            async with asyncio.timeout(5):
                assert await self.child.wait() == 0


@contextlib.asynccontextmanager
async def world_process(folder, gateway_url=""):
    async with aiohttp.ClientSession() as http:
        process = Process(folder, http, gateway_url)
        try:
            await process.start()
            yield process
        finally:
            await process.stop()


async def test_payments_keys_and_refunds_survive_a_kill(tmp_path):
    async with world_process(tmp_path) as world:
        payment = await pay(world, "o1", key="k", amount=1_000)
        body = {"amount_minor": 400, "merchant_reference": "r1"}
        url = f"{world.psp_url}/v1/payments/{payment['id']}/refunds"
        await call(world, "POST", url, json=body, headers={"Idempotency-Key": "rk"}, expect=201)
        await world.kill()
        await world.start()
        again = await pay(world, "o1", key="k", amount=1_000)
        assert again["id"] == payment["id"]
        await call(world, "POST", url, json=body, headers={"Idempotency-Key": "rk"}, expect=201)
        over = {"amount_minor": 601, "merchant_reference": "r2"}
        await call(world, "POST", url, json=over, expect=422)
    journals = read_journals(tmp_path)
    assert [line.kind for line in journals.psp].count("capture") == 1
    assert [line.kind for line in journals.psp].count("refund") == 1
    assert [line.n for line in journals.psp] == list(range(1, len(journals.psp) + 1))


async def test_every_answered_payment_is_in_the_journal_of_a_world_killed_under_load(tmp_path):
    async with world_process(tmp_path) as world:
        answered = []

        async def buy(i):
            with contextlib.suppress(aiohttp.ClientError):
                answered.append((await pay(world, f"o{i}"))["id"])

        buying = asyncio.gather(*(buy(i) for i in range(600)))
        await until(lambda: len(answered) > 100, "the sale to be on its way")
        await world.kill()
        await buying
        captured = {line.payment_id for line in read_journals(tmp_path).psp if line.kind == "capture"}
        assert len(answered) < 600
        assert set(answered) <= captured
        await world.start()
        for i in range(600):
            await pay(world, f"o{i}")
    lines = [line for line in read_journals(tmp_path).psp if line.kind == "capture"]
    assert sorted(line.merchant_reference for line in lines) == sorted(f"o{i}" for i in range(600))


async def test_webhooks_owed_at_the_kill_are_delivered_after_it(tmp_path):
    gateway_port = free_port()
    async with world_process(tmp_path, f"http://127.0.0.1:{gateway_port}") as world:
        await behave(world, webhook_copies=2)
        for i in range(5):
            await pay(world, f"o{i}")
        await world.kill()
        async with receiver(gateway_port) as merchant:
            await world.start()
            await until(lambda: len(merchant.requests) == 10, "two copies of five webhooks")
            references = {body["data"]["merchant_reference"] for body in merchant.bodies}
    assert references == {f"o{i}" for i in range(5)}


async def test_the_programme_survives_a_kill_and_ends_with_an_orderly_stop(tmp_path):
    async with world_process(tmp_path) as world:
        await behave(world, decline_rate=1.0)
        await world.kill()
        await world.start()
        assert (await pay(world, "o1"))["status"] == "declined"
        await world.stop()
        await world.start()
        assert (await pay(world, "o2"))["status"] == "captured"


async def test_parcels_under_way_go_on_after_a_kill(tmp_path):
    async with world_process(tmp_path) as world:
        quick = {"in_transit_after_s": 0.4, "delivered_after_s": 0.1}
        await call(world, "PUT", f"{world.carrier_url}/control/behaviour", json=quick, expect=200)
        label = {"merchant_reference": "s1", "order_id": "o1", "address": {"country": "DE"}, "weight_g": 1}
        _, made = await call(world, "POST", f"{world.carrier_url}/v1/labels", json=label, expect=201)
        number = {"tracking_number": made["tracking_number"]}
        await call(world, "POST", f"{world.carrier_url}/v1/handovers", json=number, expect=200)
        await world.kill()
        assert [line.kind for line in read_journals(tmp_path).carrier][-1] == "handed_over"
        await world.start()
        await until(lambda: "delivered" in {line.kind for line in read_journals(tmp_path).carrier}, "the delivery")


async def test_links_and_their_faults_survive_a_kill_and_end_with_an_orderly_stop(tmp_path):
    async with world_process(tmp_path) as world:
        url = f"{world.faults_url}/links"
        wanted = {"upstream": "127.0.0.1:1", "toxics": [{"type": "latency", "latency_ms": 5}]}
        _, made = await call(world, "PUT", f"{url}/one", json=wanted, expect=200)
        await call(world, "PUT", f"{url}/two", json={**wanted, "for_s": 600}, expect=200)
        await world.kill()
        await world.start()
        _, known = await call(world, "GET", url, expect=200)
        assert known["items"][0] == made
        assert known["items"][1]["heals_at"] > time.time() + 500
        await world.stop()
        await world.start()
        _, known = await call(world, "GET", url, expect=200)
        assert known["items"] == []
