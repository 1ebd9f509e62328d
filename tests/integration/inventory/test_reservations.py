import asyncio
from uuid import UUID, uuid4

import pytest

from shared.database import Database
from svc.inventory import handlers
from svc.inventory.domain import LINE_QUANTITY_MAX, RECEIPT_QUANTITY_MAX, HoldOutcome
from tests.support.rows import database_for
from tests.support.services import served, topics, until
from tests.support.stocking import know, receive

pytestmark = pytest.mark.service("inventory")


def _wish(sku="A", quantity=1, reservation_id=None, customer_id=None, **more):
    return {
        "reservation_id": str(reservation_id or uuid4()),
        "customer_id": str(customer_id or uuid4()),
        "lines": [{"sku": sku, "quantity": quantity}],
        **more,
    }


async def test_exactly_the_stock_is_held_when_many_want_it_at_once(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 20)
        answers = await asyncio.gather(
            *(inventory.call("POST", "/internal/reservations", json=_wish()) for _ in range(100))
        )
        assert sorted(status for status, _ in answers) == [201] * 20 + [409] * 80
        refused = next(body for status, body in answers if status == 409)
        assert refused["code"] == "insufficient_stock"
        assert refused["sku"] == "A"
        status, body = await inventory.call("GET", "/api/v1/stock?skus=A,unknown")
        assert (status, body) == (200, {"items": [{"sku": "A", "available": 0}]})


async def test_the_same_reservation_twice_holds_once(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 5)
        wish = _wish(quantity=2)
        answers = await asyncio.gather(*(inventory.call("POST", "/internal/reservations", json=wish) for _ in range(5)))
        assert {status for status, _ in answers} == {201}
        assert len({body["expires_at"] for _, body in answers}) == 1
        _, body = await inventory.call("GET", "/api/v1/stock?skus=A")
        assert body["items"][0]["available"] == 3


async def test_the_same_id_with_other_lines_is_refused(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 5)
        wish = _wish()
        await inventory.call("POST", "/internal/reservations", json=wish)
        status, body = await inventory.call(
            "POST", "/internal/reservations", json={**wish, "lines": [{"sku": "A", "quantity": 2}]}
        )
        assert (status, body["code"]) == (422, "reservation_mismatch")


async def test_a_receipt_may_be_as_large_as_any_sale_needs(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", RECEIPT_QUANTITY_MAX)
        _, body = await inventory.call("GET", "/api/v1/stock?skus=A")
        assert body["items"] == [{"sku": "A", "available": RECEIPT_QUANTITY_MAX}]
        status, body = await inventory.call(
            "POST", "/internal/reservations", json=_wish(quantity=LINE_QUANTITY_MAX + 1)
        )
        assert (status, body["code"]) == (422, "invalid_quantity")


@pytest.mark.parametrize("quantity", [0, -1, RECEIPT_QUANTITY_MAX + 1, 10**30])
async def test_a_quantity_out_of_bounds_is_refused_and_its_sku_named(engines, prefix, quantity):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 5)
        receipt = {"sku": "A", "quantity": quantity, "reference": "r2"}
        for path, wish in (
            ("/internal/reservations", _wish(quantity=quantity)),
            ("/api/v1/stock/receipts", receipt),
            ("/internal/stock/import", {"items": [receipt]}),
        ):
            status, body = await inventory.call("POST", path, json=wish)
            assert (status, body["code"], body["sku"]) == (422, "invalid_quantity", "A"), path
        _, body = await inventory.call("GET", "/api/v1/stock?skus=A")
        assert body["items"] == [{"sku": "A", "available": 5}]


@pytest.mark.parametrize("quantity", ["1", 1.5, None])
async def test_a_quantity_that_is_no_number_of_units_is_malformed(engines, prefix, quantity):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 5)
        status, body = await inventory.call("POST", "/internal/reservations", json=_wish(quantity=quantity))
        assert (status, body["code"]) == (400, "invalid_body")
        assert "quantity" in str(body["errors"])


async def test_an_unknown_sku_is_named_and_the_known_ones_beside_it_stay_free(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 5)
        wish = {**_wish(), "lines": [{"sku": "A", "quantity": 1}, {"sku": "GHOST", "quantity": 1}]}
        for _ in range(2):
            status, body = await inventory.call("POST", "/internal/reservations", json=wish)
            assert (status, body["code"], body["sku"]) == (404, "unknown_sku", "GHOST")
        _, body = await inventory.call("GET", "/api/v1/stock?skus=A")
        assert body["items"] == [{"sku": "A", "available": 5}]


async def test_an_expired_hold_gives_its_units_back(engines, prefix):
    async with served(engines, "inventory", prefix=prefix, sweep_interval_s=0.05) as inventory:
        await receive(inventory, "A", 1)
        wish = _wish(ttl_s=0.1)
        await inventory.call("POST", "/internal/reservations", json=wish)

        async def available():
            _, body = await inventory.call("GET", "/api/v1/stock?skus=A")
            return body["items"][0]["available"] == 1

        await until(available)
        _, body = await inventory.call("GET", f"/internal/reservations/{wish['reservation_id']}")
        assert body["status"] == "expired"


async def test_a_release_is_final_and_repeatable(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 1)
        wish = _wish()
        await inventory.call("POST", "/internal/reservations", json=wish)
        path = f"/internal/reservations/{wish['reservation_id']}/release"
        for _ in range(2):
            status, body = await inventory.call("POST", path, json={"reason": "test"})
            assert (status, body["status"]) == (200, "released")
        _, body = await inventory.call("GET", "/api/v1/stock?skus=A")
        assert body["items"][0]["available"] == 1


async def test_what_was_sold_is_released_by_nobody(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory, database_for(inventory) as database:
        await receive(inventory, "A", 2)
        wish = _wish()
        await inventory.call("POST", "/internal/reservations", json=wish)
        async with database.begin() as uow:
            await handlers.end_hold(uow, UUID(wish["reservation_id"]), HoldOutcome.COMMITTED, reason="paid")
        path = f"/internal/reservations/{wish['reservation_id']}/release"
        status, refused = await inventory.call("POST", path, json={"reason": "test"})
        assert (status, refused["code"]) == (409, "reservation_ended")
        _, body = await inventory.call("GET", "/api/v1/stock?skus=A")
        assert body["items"][0]["available"] == 1


async def test_a_receipt_is_booked_once_per_reference(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 5)
        assert (await receive(inventory, "A", 5))["on_hand"] == 5
        assert (await receive(inventory, "A", 5, "r2"))["on_hand"] == 10


@pytest.mark.parametrize("other", [{"quantity": 6}, {"sku": "B"}, {"warehouse": "north"}])
async def test_a_reference_stands_for_one_receipt(engines, prefix, other):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 5)
        await receive(inventory, "B", 5, "r2")
        receipt = {"sku": "A", "quantity": 5, "reference": "r1", **other}
        for path, sent in (("/api/v1/stock/receipts", receipt), ("/internal/stock/import", {"items": [receipt]})):
            status, body = await inventory.call("POST", path, json=sent)
            assert (status, body["code"], body["reference"]) == (422, "receipt_mismatch", "r1")
        _, body = await inventory.call("GET", "/api/v1/stock?skus=A,B")
        assert body["items"] == [{"sku": "A", "available": 5}, {"sku": "B", "available": 5}]


async def test_of_two_receipts_under_one_reference_at_once_one_is_booked(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await know(inventory, "A", "B")
        for number in range(10):
            answers = await asyncio.gather(
                *(
                    inventory.call(
                        "POST", "/api/v1/stock/receipts", json={"sku": sku, "quantity": 5, "reference": f"r{number}"}
                    )
                    for sku in ("A", "B")
                )
            )
            assert sorted(status for status, _ in answers) == [201, 422]


async def test_a_stock_list_too_long_is_refused_not_cut(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 5)
        full = [f"{'S' * 60}{n}" for n in range(99)] + ["A", "A"]
        status, body = await inventory.call("GET", f"/api/v1/stock?skus={','.join(full)}")
        assert (status, body) == (200, {"items": [{"sku": "A", "available": 5}]})
        status, body = await inventory.call("GET", f"/api/v1/stock?skus={','.join([*full, 'B'])}")
        assert (status, body["code"], body["skus_max"]) == (400, "too_many_skus", 100)
        assert "101" in body["detail"]
        assert "100" in body["detail"]


async def test_without_an_internal_token_the_service_answers_401(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        status, body = await inventory.call("POST", "/internal/reservations", json=_wish(), anonymous=True)
        assert (status, body["code"]) == (401, "unauthenticated")


async def test_every_change_is_told_on_kafka(engines, prefix):
    async with topics(engines, prefix), served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 5)
        await inventory.call("POST", "/internal/reservations", json=_wish())
        database = Database(inventory.settings.database_url, "test")
        await database.open()
        try:

            async def all_sent():
                async with database.acquire() as connection:
                    rows = await connection.fetch("SELECT type, sent_at FROM audit.outbox ORDER BY created_at")
                return [row["type"] for row in rows] if all(row["sent_at"] for row in rows) else None

            assert await until(all_sent) == ["stock.adjusted", "inventory.reserved"]
        finally:
            await database.close()


async def _execute(service, *statements):
    database = Database(service.settings.database_url, "test")
    await database.open()
    try:
        async with database.acquire() as connection:
            for statement in statements:
                await connection.execute(statement)
    finally:
        await database.close()


async def test_a_damaged_sku_is_made_whole_once(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 2)
        wishes = [_wish() for _ in range(2)]
        for wish in wishes:
            await inventory.call("POST", "/internal/reservations", json=wish)
        await _execute(inventory, "UPDATE stock SET reserved = 0")
        extra = _wish()
        await inventory.call("POST", "/internal/reservations", json=extra)
        repair = {"sku": "A", "release": [], "reason": "oversold"}
        status, body = await inventory.call("POST", "/internal/stock/reconcile", json=repair)
        assert (status, body["code"]) == (409, "irreconcilable_stock")
        repair["release"] = [extra["reservation_id"]]
        status, body = await inventory.call("POST", "/internal/stock/reconcile", json=repair)
        assert (status, body) == (200, {"holds_ended": 1, "movements_completed": 1, "rows_recounted": 1})
        status, body = await inventory.call("POST", "/internal/stock/reconcile", json=repair)
        assert (status, body) == (200, {"holds_ended": 0, "movements_completed": 0, "rows_recounted": 0})
        _, body = await inventory.call("GET", "/api/v1/stock?skus=A")
        assert body["items"][0]["available"] == 0


async def test_units_that_came_back_are_nobodys_any_more(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 2)
        await _execute(inventory, "INSERT INTO purchase_limits VALUES ('A', 1)")
        wish = _wish()
        path = f"/internal/reservations/{wish['reservation_id']}"
        await inventory.call("POST", "/internal/reservations", json=wish)
        await _execute(inventory, "UPDATE reservations SET status = 'committed', ended_at = now(), end_reason = 'paid'")
        again = {**wish, "reservation_id": str(uuid4())}
        status, body = await inventory.call("POST", "/internal/reservations", json=again)
        assert (status, body["code"]) == (409, "purchase_limit_exceeded")
        _, sold = await inventory.call("GET", path)
        repair = {"sku": "A", "release": [wish["reservation_id"]], "reason": "oversold"}
        await inventory.call("POST", "/internal/stock/reconcile", json=repair)
        _, back = await inventory.call("GET", path)
        assert [(told["status"], told["restocked"]) for told in (sold, back)] == [
            ("committed", False),
            ("committed", True),
        ]
        assert (await inventory.call("POST", "/internal/reservations", json=again))[0] == 201


async def test_a_release_that_overtakes_its_reservation_ends_it(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 5)
        wish = _wish(quantity=2)
        path = f"/internal/reservations/{wish['reservation_id']}"
        for _ in range(2):
            status, body = await inventory.call("POST", f"{path}/release", json={"reason": "order refused"})
            assert (status, body["status"], body["lines"]) == (200, "released", [])
        status, body = await inventory.call("POST", "/internal/reservations", json=wish)
        assert (status, body["status"]) == (201, "released")
        _, body = await inventory.call("GET", "/api/v1/stock?skus=A")
        assert body["items"][0]["available"] == 5


async def test_reservations_and_their_releases_at_once_hold_nothing(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        await receive(inventory, "A", 50)
        wishes = [_wish() for _ in range(40)]
        answers = await asyncio.gather(
            *(inventory.call("POST", "/internal/reservations", json=wish) for wish in wishes),
            *(
                inventory.call(
                    "POST", f"/internal/reservations/{wish['reservation_id']}/release", json={"reason": "order refused"}
                )
                for wish in wishes
            ),
        )
        assert {status for status, _ in answers} <= {200, 201}
        _, body = await inventory.call("GET", "/api/v1/stock?skus=A")
        assert body["items"][0]["available"] == 50
