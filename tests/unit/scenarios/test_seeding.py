"""What a seeding asks of the services: few large requests, the same ones for the same number."""

import uuid
from collections import Counter

import pytest

from scenarios import seeding
from scenarios.seeding import CHUNK, SIZES


class Recorder:
    """Takes what a fleet would, and notes how often and how much at once."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.pieces: Counter[str] = Counter()
        self.largest = 0
        self.bought: list[tuple[str, str, int]] = []

    async def call(self, service, _method, path, *, json):
        items = json.get("items") or json.get("subjects") or [json]
        self._note(f"{service} {path}", len(items))
        if path == "/internal/users/import":
            return {"items": [{"user_id": str(uuid.uuid5(uuid.NAMESPACE_URL, one["email"]))} for one in items]}
        return {"items": [{"user_id": one, "access_token": one} for one in items if isinstance(one, str)]}

    async def receive(self, items):
        self._note("inventory receipts", len(items))

    async def buy(self, token, *, key, sku, quantity, address):
        del token, address
        self.bought.append((key, sku, quantity))

    def _note(self, what, pieces):
        self.requests[what] += 1
        self.pieces[what] += pieces
        self.largest = max(self.largest, pieces)


async def seeded(size, number=1):
    fleet = Recorder()
    done = await seeding.seed(fleet, size=size, seed=number, report=lambda *_: None)  # type: ignore[arg-type]
    return fleet, done


@pytest.mark.parametrize("size", SIZES)
async def test_everything_is_brought_in_by_the_thousand(size):
    fleet, done = await seeded(size)
    wanted = SIZES[size]
    assert (done.products, done.users, done.past_orders) == (wanted.products, wanted.users, wanted.past_orders)
    variants = wanted.products * len(seeding.SIZES_OF_CLOTHES)
    people = wanted.users + len(seeding.STAFF)
    asked = {
        "catalog /internal/products/import": wanted.products,
        "inventory receipts": variants,
        "auth /internal/users/import": people,
    }
    for what, pieces in asked.items():
        assert (fleet.pieces[what], fleet.requests[what]) == (pieces, -(-pieces // CHUNK)), what
    assert fleet.largest <= CHUNK
    assert len(fleet.bought) == wanted.past_orders


async def test_a_number_gives_the_same_shop_and_another_number_another():
    (one, _), (again, _), (other, _) = await seeded("s"), await seeded("s"), await seeded("s", 2)
    assert one.bought == again.bought
    assert one.bought != other.bought
