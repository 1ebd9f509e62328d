"""A guest who buys through the gateway of a whole fleet."""

from dataclasses import dataclass
from uuid import uuid4

import aiohttp

SKU = "SKU-00001-M"
ADDRESS = {"name": "Ann", "line1": "1 Road", "city": "Dublin", "postal_code": "D02 X285", "country": "IE"}


@dataclass(frozen=True)
class Bought:
    """An order that was taken, and the trace of the request."""

    order_id: str
    trace_id: str


async def buy(gateway: str) -> Bought:
    """One piece of a seeded product."""
    order = {
        "items": [{"sku": SKU, "quantity": 1}],
        "email": "ann@example.com",
        "payment_method": "tok_visa",
        "shipping_address": ADDRESS,
    }
    async with aiohttp.ClientSession(gateway) as http:
        async with http.post("/api/v1/guest") as answer:
            headers = {"X-Guest-Token": (await answer.json())["guest_token"], "Idempotency-Key": uuid4().hex}
        async with http.post("/api/v1/guest/orders", json=order, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            return Bought((await answer.json())["id"], answer.headers["X-Trace-Id"])
