import asyncio

import pytest

from tests.support.gateway_steps import door

pytestmark = pytest.mark.service("gateway")


async def test_of_two_hundred_requests_at_once_no_more_than_the_limit_pass(engines, prefix):
    async with door(engines, prefix, "orders", limit_checkout="1/3600/10") as shop:
        token = shop.issuer.token()
        answers = await asyncio.gather(*(shop.call("GET", "/api/v1/orders", token=token) for _ in range(200)))
        statuses = [answer.status for answer in answers]
        assert statuses.count(200) == 10
        assert statuses.count(429) == 190
        assert len(shop.fakes["orders"].requests) == 10


async def test_a_burst_of_callers_is_counted_one_by_one(engines, prefix):
    async with door(engines, prefix, "orders", limit_checkout="1/3600/2") as shop:
        tokens = [shop.issuer.token() for _ in range(40)]
        answers = await asyncio.gather(
            *(shop.call("GET", "/api/v1/orders", token=token) for token in tokens for _ in range(3))
        )
        assert [answer.status for answer in answers].count(200) == 80


async def test_a_departing_client_does_not_take_anothers_answer_with_it(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        token = shop.issuer.token()

        async def impatient(number):
            try:
                async with asyncio.timeout(0.001 * (number % 7)):
                    return (await shop.call("GET", f"/api/v1/orders/{number}", token=token)).json["target"], number
            except TimeoutError:
                return None

        for result in await asyncio.gather(*(impatient(number) for number in range(80))):
            if result is not None:
                assert result[0] == f"/api/v1/orders/{result[1]}"
        patient = await asyncio.gather(
            *(shop.call("GET", f"/api/v1/orders/p{number}", token=token) for number in range(20))
        )
        assert [answer.json["target"] for answer in patient] == [f"/api/v1/orders/p{number}" for number in range(20)]
