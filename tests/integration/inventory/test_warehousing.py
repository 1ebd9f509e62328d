import asyncio
from uuid import uuid4

import asyncpg
import pytest

from shared.identity import Principal
from tests.support.services import served, until
from tests.support.stocking import know

pytestmark = pytest.mark.service("inventory")

STOCK = "/api/v1/stock"


async def put_in(inventory, sku, quantity, warehouse="main"):
    await know(inventory, sku)
    receipt = {"sku": sku, "quantity": quantity, "reference": str(uuid4()), "warehouse": warehouse}
    status, body = await inventory.call("POST", f"{STOCK}/receipts", json=receipt)
    assert status == 201, body


async def hold(inventory, sku="A", quantity=1, **more):
    wish = {"reservation_id": str(uuid4()), "customer_id": str(uuid4()), "lines": [{"sku": sku, "quantity": quantity}]}
    status, body = await inventory.call("POST", "/internal/reservations", json={**wish, **more})
    return (status, body["reservation_id"]) if status == 201 else (status, body["code"])


async def rows(inventory, statement, *args):
    connection = await asyncpg.connect(inventory.settings.database_url)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *args)]
    finally:
        await connection.close()


async def shelves(inventory, sku="A"):
    """Warehouse → on hand and reserved; and the movements sum to it."""
    stands = await rows(inventory, "SELECT warehouse, on_hand, reserved FROM stock WHERE sku = $1", sku)
    sums = await rows(
        inventory,
        "SELECT warehouse, sum(on_hand_delta)::integer, sum(reserved_delta)::integer FROM movements WHERE sku = $1 "
        "GROUP BY warehouse",
        sku,
    )
    assert sorted(row for row in stands if row[1:] != (0, 0)) == sorted(row for row in sums if row[1:] != (0, 0))
    return {warehouse: (on_hand, reserved) for warehouse, on_hand, reserved in stands}


async def events(inventory, *types):
    found = await rows(inventory, "SELECT type, payload FROM outbox WHERE type = ANY($1) ORDER BY created_at", types)
    return [kind for kind, _ in found]


async def set_rules(inventory, sku="A", **rules):
    status, body = await inventory.call("PUT", f"{STOCK}/rules/{sku}", json=rules)
    return status if status == 200 else (status, body["code"])


def move(quantity, reference="t1", **more):
    return {"reference": reference, "sku": "A", "quantity": quantity, "source": "main", "target": "north", **more}


async def test_a_transfer_is_two_movements_once_and_takes_only_what_is_free(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await put_in(inventory, "A", 5)
        await put_in(inventory, "B", 1, "north")
        assert (await hold(inventory, quantity=2))[0] == 201
        answers = await asyncio.gather(*(inventory.call("POST", f"{STOCK}/transfers", json=move(3)) for _ in range(10)))
        assert {status for status, _ in answers} == {201}
        assert await shelves(inventory) == {"main": (2, 2), "north": (3, 0)}
        for wish, refusal in (
            (move(1, "t2"), (409, "insufficient_stock")),
            (move(2), (422, "transfer_mismatch")),
            (move(1, "t3", target="main"), (422, "transfer_to_itself")),
            (move(1, "t3", target="moon"), (404, "unknown_warehouse")),
            (move(0, "t3"), (422, "invalid_quantity")),
            (move(1, "t3", sku="GHOST"), (404, "unknown_sku")),
        ):
            status, body = await inventory.call("POST", f"{STOCK}/transfers", json=wish)
            assert (status, body["code"]) == refusal
        assert await shelves(inventory) == {"main": (2, 2), "north": (3, 0)}


async def test_transfers_there_and_back_beside_sales_lose_nothing(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await put_in(inventory, "A", 50)
        await put_in(inventory, "A", 50, "north")
        there = [move(1, f"t{n}") for n in range(25)]
        back = [move(1, f"b{n}", source="north", target="main") for n in range(25)]
        answers = await asyncio.gather(
            *(inventory.call("POST", f"{STOCK}/transfers", json=wish) for wish in [*there, *back]),
            *(hold(inventory) for _ in range(50)),
        )
        assert {status for status, _ in answers} == {201}
        found = await shelves(inventory)
        assert sum(on_hand for on_hand, _ in found.values()) == 100
        assert sum(reserved for _, reserved in found.values()) == 50


async def test_a_count_books_its_variance_once_and_sales_meanwhile_stay_sold(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await put_in(inventory, "A", 100)
        _, take = await inventory.call("POST", f"{STOCK}/takes", json={"sku": "A"})
        assert take["expected"] == 100
        status, body = await inventory.call("POST", f"{STOCK}/takes", json={"sku": "A"})
        assert (status, body["code"]) == (409, "stock_take_open")
        path = f"{STOCK}/takes/{take['id']}/count"
        answers = await asyncio.gather(
            *(hold(inventory) for _ in range(50)),
            *(inventory.call("POST", path, json={"counted": 97}) for _ in range(50)),
        )
        assert {status for status, _ in answers[:50]} == {201}
        assert {(status, body["variance"]) for status, body in answers[50:]} == {(200, -3)}
        assert await shelves(inventory) == {"main": (97, 50)}
        status, body = await inventory.call("POST", path, json={"counted": 98})
        assert (status, body["code"]) == (409, "stock_take_closed")
        assert await events(inventory, "stock.adjusted") == ["stock.adjusted"] * 2


async def test_fewer_than_are_promised_cannot_be_counted_and_a_count_may_be_given_up(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await put_in(inventory, "A", 5)
        await hold(inventory, quantity=4)
        _, take = await inventory.call("POST", f"{STOCK}/takes", json={"sku": "A"})
        path = f"{STOCK}/takes/{take['id']}"
        status, body = await inventory.call("POST", f"{path}/count", json={"counted": 3})
        assert (status, body["code"]) == (409, "units_promised")
        for _ in range(2):
            status, body = await inventory.call("POST", f"{path}/cancel")
            assert (status, body["variance"]) == (200, None)
        status, body = await inventory.call("POST", f"{path}/count", json={"counted": 5})
        assert (status, body["code"]) == (409, "stock_take_closed")
        assert (await inventory.call("POST", f"{STOCK}/takes", json={"sku": "A"}))[0] == 201
        _, page = await inventory.call("GET", f"{STOCK}/takes?limit=1")
        _, rest = await inventory.call("GET", f"{STOCK}/takes?cursor={page['next_cursor']}")
        assert [one["closed_at"] is None for one in [*page["items"], *rest["items"]]] == [False, True]
        status, body = await inventory.call("POST", f"{STOCK}/takes/{uuid4()}/count", json={"counted": 1})
        assert (status, body["code"]) == (404, "unknown_stock_take")
        assert await shelves(inventory) == {"main": (5, 4)}


async def test_safety_stock_is_never_promised(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await put_in(inventory, "A", 5)
        assert await set_rules(inventory, safety_stock=3) == 200
        _, body = await inventory.call("GET", f"{STOCK}?skus=A")
        assert body["items"] == [{"sku": "A", "available": 2}]
        assert await hold(inventory, quantity=3) == (409, "insufficient_stock")
        assert (await hold(inventory, quantity=2))[0] == 201


async def test_a_sku_may_be_sold_ahead_of_its_arrival_up_to_its_bound(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await put_in(inventory, "A", 1)
        assert await set_rules(inventory, backorder_max=2) == 200
        answers = await asyncio.gather(*(hold(inventory) for _ in range(20)))
        assert sorted(status for status, _ in answers) == [201] * 3 + [409] * 17
        _, body = await inventory.call("GET", f"{STOCK}?skus=A")
        assert body["items"] == [{"sku": "A", "available": 0}]
        assert await set_rules(inventory, backorder_max=1) == (409, "units_promised")
        await put_in(inventory, "A", 2)
        assert await set_rules(inventory, backorder_max=4) == 200
        _, body = await inventory.call("GET", f"{STOCK}?skus=A")
        assert body["items"] == [{"sku": "A", "available": 0, "backorder": True}]
        assert await set_rules(inventory, "GHOST") == (404, "unknown_sku")
        assert await set_rules(inventory, warehouse="moon") == (404, "unknown_warehouse")


async def test_each_crossing_of_the_alert_is_told_once(engines, prefix):
    async with served(engines, "inventory", prefix=prefix, alarm_interval_s=0.02) as inventory:
        await put_in(inventory, "A", 5)
        assert await set_rules(inventory, low_stock_at=4) == 200

        async def told():
            return await events(inventory, "stock.low")

        _, first = await hold(inventory, quantity=2)
        await until(lambda: _is(told, ["stock.low"]))
        await hold(inventory)
        _, page = await inventory.call("GET", f"{STOCK}/low")
        assert page["items"] == [{"warehouse": "main", "sku": "A", "available": 2, "low_at": 4}]
        await inventory.call("POST", f"/internal/reservations/{first}/release", json={"reason": "test"})
        await until(lambda: _rearmed(inventory))
        await hold(inventory)
        await until(lambda: _is(told, ["stock.low"] * 2))


async def _is(look, wanted):
    return await look() == wanted


async def _rearmed(inventory):
    return await rows(inventory, "SELECT 1 FROM stock WHERE NOT low_told")


async def test_the_policy_of_allocation_is_data(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        for code, policy in (("north", {"priority": 2, "ranks": {"SE": 0}}), ("south", {"priority": 1, "ranks": {}})):
            assert (await inventory.call("PUT", f"{STOCK}/warehouses/{code}", json=policy))[0] == 200
            await put_in(inventory, "A", 10, code)
        await hold(inventory, destination="SE")
        await hold(inventory, quantity=2, destination="IT")
        assert await shelves(inventory) == {"north": (10, 1), "south": (10, 2)}
        await inventory.call("PUT", f"{STOCK}/warehouses/north", json={"priority": 0})
        await hold(inventory, quantity=4, destination="IT")
        assert await shelves(inventory) == {"north": (10, 5), "south": (10, 2)}
        _, page = await inventory.call("GET", f"{STOCK}/warehouses?limit=2")
        assert page["items"] == [
            {"code": "main", "priority": 100, "ranks": {}}, {"code": "north", "priority": 0, "ranks": {}},
        ]  # fmt: skip


async def test_an_import_books_the_good_rows_and_names_the_others(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await know(inventory, "A", "B")
        good = {"sku": "A", "quantity": 5, "reference": "r1"}
        items = [
            good, {**good, "reference": "r2", "warehouse": "north"}, {**good, "sku": "GHOST", "reference": "r3"},
            {**good, "quantity": 0, "reference": "r4"}, {**good, "quantity": 6}, good,
        ]  # fmt: skip
        status, body = await inventory.call("POST", f"{STOCK}/import", json={"items": items})
        assert (status, body["received"], body["known"]) == (200, 2, 1)
        assert [(error["row"], error["code"]) for error in body["errors"]] == [
            (3, "unknown_sku"), (4, "invalid_quantity"), (5, "receipt_mismatch"),
        ]  # fmt: skip
        again = [good, {**good, "sku": "B"}]
        _, body = await inventory.call("POST", f"{STOCK}/import", json={"items": again})
        assert (body["received"], body["known"], body["errors"][0]["code"]) == (0, 1, "receipt_mismatch")
        assert await shelves(inventory) == {"main": (5, 0), "north": (5, 0)}


async def test_imports_of_the_same_rows_at_once_book_each_once(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        skus = [f"S{n}" for n in range(20)]
        await know(inventory, *skus)
        items = [{"sku": sku, "quantity": 3, "reference": sku} for sku in skus]
        answers = await asyncio.gather(
            *(
                inventory.call("POST", f"{STOCK}/import", json={"items": items[::step]})
                for step in (1, -1)
                for _ in range(10)
            )
        )
        assert {status for status, _ in answers} == {200}
        assert sum(body["received"] for _, body in answers) == 20
        for sku in skus:
            assert await shelves(inventory, sku) == {"main": (3, 0)}


async def test_a_hold_is_extended_within_an_hour_and_not_after_its_end(engines, prefix):
    async with served(engines, "inventory", prefix=prefix, sweep_interval_s=0.05) as inventory:
        await put_in(inventory, "A", 3)
        _, kept = await hold(inventory, ttl_s=1.5)
        _, over = await hold(inventory, ttl_s=0.1)

        async def extend(reservation_id, ttl_s):
            path = f"/internal/reservations/{reservation_id}/extend"
            status, body = await inventory.call("POST", path, json={"ttl_s": ttl_s})
            return (status, body["expires_at"]) if status == 200 else (status, body["code"])

        _, longer = await extend(kept, 3_600)
        assert await extend(kept, 1) == (200, longer)  # never shorter, and an hour is the most
        assert await extend(kept, 3_600) == (200, longer)

        async def ended():
            _, body = await inventory.call("GET", f"/internal/reservations/{over}")
            return body["status"] == "expired"

        await until(ended)
        assert await extend(over, 60) == (409, "reservation_ended")
        assert await extend(uuid4(), 60) == (404, "unknown_reservation")
        assert await extend(kept, 0) == (400, "invalid_body")


async def test_customers_see_availability_and_nothing_of_the_shelves(engines, prefix):
    customer = Principal(str(uuid4()), frozenset({"customer"}))
    async with served(engines, "inventory", prefix=prefix) as inventory:
        for method, path in (
            ("POST", "transfers"), ("POST", "takes"), ("GET", "takes"), ("GET", "low"), ("PUT", "rules/A"),
            ("PUT", "warehouses/x"), ("GET", "warehouses"), ("POST", "import"),
        ):  # fmt: skip
            status, _ = await inventory.call(method, f"{STOCK}/{path}", principal=customer, json={})
            assert status == 403, path
