"""Cancelling while the parcel is being handed over, with the real shipping service and a carrier with a journal."""

import asyncio
import random

import pytest

from shared.contracts.payments import PaymentProcessed
from tests.support.builders.orders import customer, place
from tests.support.builders.placed_order import Told
from tests.support.fakes.shop import shop
from tests.support.sending import depot
from tests.support.services import served, until

pytestmark = [pytest.mark.service("orders"), pytest.mark.timeout(300)]

ORDERS = 50
BUYERS_AT_ONCE = 4
SEED = 10
PATIENT = {
    "prices_timeout_s": 8.0, "quote_timeout_s": 8.0, "reserve_timeout_s": 8.0, "withhold_timeout_s": 5.0,
    "resolver_interval_s": 0.05, "resolver_retry_s": 0.05,
}  # fmt: skip
"""Limits that a busy machine does not reach: what is judged is the outcome, not the time."""


async def test_each_order_cancelled_within_a_second_ends_in_exactly_one_outcome(engines, prefix, tmp_path):
    chance = random.Random(SEED)
    async with (
        depot(engines, prefix, tmp_path, handover_delay_s=0.3) as house,
        shop(engines.redis, prefix, without=("shipping",)) as fakes,
        served(engines, "orders", prefix=prefix, **PATIENT) as orders,
    ):
        house.behave()
        buying = asyncio.Semaphore(BUYERS_AT_ONCE)

        async def buy_and_cancel():
            buyer = customer()
            async with buying:
                status, order = await place(orders, buyer, ("A", 1), shipping_address=AT_HOME)
            assert status == 201, order
            told = Told(engines, prefix, orders, buyer, order, fakes)
            await told.tell(PaymentProcessed)
            await asyncio.sleep(chance.random())  # the moment of the cancellation is what is varied
            return told, await orders.call("POST", f"/api/v1/orders/{order['id']}/cancel", principal=buyer)

        outcomes = await asyncio.gather(*(buy_and_cancel() for _ in range(ORDERS)))
        for told, (status, answer) in outcomes:
            assert status in {200, 202, 409}, answer

            async def ended(told=told):
                story = await told.story()
                return story if story["order"]["status"] in {"cancelled", "completed"} else None

            story = await until(ended, deadline_s=60)
            left = [line for line in house.lines() if line.kind == "handed_over" and line.order_id == told.order["id"]]
            cancelled = story["order"]["status"] == "cancelled"
            assert cancelled == (not left) == ("order.cancelled" in told.events(story))
            assert status != 200 or cancelled
            assert status != 409 or not cancelled


AT_HOME = {"name": "A. Buyer", "line1": "1 Road", "city": "Berlin", "postal_code": "10115", "country": "DE"}
