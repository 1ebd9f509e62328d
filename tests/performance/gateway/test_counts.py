import asyncio

import pytest

from tests.support.gateway_steps import door

pytestmark = pytest.mark.service("gateway")


async def test_one_key_set_serves_many_tokens(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        tokens = [shop.issuer.token() for _ in range(60)]
        answers = await asyncio.gather(*(shop.call("GET", "/api/v1/orders", token=token) for token in tokens))
        assert {answer.status for answer in answers} == {200}
        assert shop.gateway.app.asgi_handler._users.fetches <= 3


async def test_unknown_key_ids_do_not_become_load_on_auth(engines, prefix):
    async with door(engines, prefix, "orders", limit_refused_tokens="1000/1") as shop:
        users = shop.gateway.app.asgi_handler._users
        forged = [shop.issuer.token(header={"kid": f"k{number}"}) for number in range(60)]
        answers = await asyncio.gather(*(shop.call("GET", "/api/v1/orders", token=token) for token in forged))
        assert {answer.status for answer in answers} == {401}
        assert users.fetches <= 4


async def test_hits_that_arrive_together_share_script_calls(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        limits = shop.gateway.app.asgi_handler._limits
        sent = []
        send = limits._send

        async def counted(batch):
            sent.append(len(batch))
            await send(batch)

        limits._send = counted
        decisions = await asyncio.gather(*(limits.hit("checkout", f"user:{number}") for number in range(200)))
        assert all(decision is not None and decision.allowed for decision in decisions)
        assert sum(sent) == 200
        assert len(sent) <= 2


async def test_looking_at_the_status_again_and_again_probes_once(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        await asyncio.gather(*(shop.call("GET", "/api/v1/status") for _ in range(20)))
        probes = [seen for seen in shop.fakes["catalog"].requests if seen["target"] == "/health/ready"]
        assert 1 <= len(probes) <= 2


async def test_a_crowd_waits_for_a_place_instead_of_flooding_a_service(engines, prefix):
    async with door(engines, prefix, "orders", upstream_places=8, limit_checkout="10000/1") as shop:
        token = shop.issuer.token()
        crowd = [asyncio.create_task(shop.call("GET", "/api/v1/orders/slow/30", token=token)) for _ in range(80)]
        most = 0
        while not all(task.done() for task in crowd):
            most = max(most, shop.fakes["orders"].running)
            await asyncio.sleep(0)
        assert {task.result().status for task in crowd} == {200}
        assert 0 < most <= 8
