import asyncio
from collections import Counter
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.contracts.inventory import InventoryReleased
from shared.contracts.payments import PaymentFailed, PaymentProcessed, PaymentRefunded
from svc.orders.domain.machines import ShipmentState
from svc.orders.domain.order import Shipment
from svc.orders.store import orders as store
from tests.support.builders.orders import BUYERS_PATIENCE_S, body, buy, customer, place
from tests.support.builders.placed_order import an_order, rows
from tests.support.fakes.shop import shop
from tests.support.services import database_of, served, until
from tests.support.stocking import receive

pytestmark = pytest.mark.service("orders")


async def test_of_many_who_take_a_guests_cart_along_one_gets_it(engines, prefix):
    async with (
        database_of(engines, "orders") as database,
        shop(engines.redis, prefix),
        served(engines, "orders", prefix=prefix, database_url=database) as one,
        served(engines, "orders", prefix=prefix, database_url=database, instance="orders-2") as other,
    ):
        _, come = await one.call("POST", "/api/v1/guest", anonymous=True)
        token = come["guest_token"]
        for sku in "AB":
            await one.call(
                "POST",
                "/api/v1/guest/cart/items",
                anonymous=True,
                headers={"X-Guest-Token": token},
                json={"sku": sku, "quantity": 2},
            )
        answers = await asyncio.gather(
            *(
                at.call("POST", "/api/v1/cart/merge", principal=customer(), json={"guest_token": token})
                for at in (one, other) * 25
            )
        )
        got = Counter(answer.get("code") or len(answer["lines"]) for _, answer in answers)
        assert got[2] == 1
        assert got.keys() <= {0, 2, "cart_changed"}
        held = await rows(database, "SELECT sku, sum(quantity) AS n FROM cart_lines GROUP BY sku ORDER BY sku")
        assert [(row["sku"], row["n"]) for row in held] == [("A", 2), ("B", 2)]


async def test_one_guests_key_submitted_to_two_instances_makes_one_order(engines, prefix):
    async with (
        database_of(engines, "orders") as database,
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, database_url=database) as one,
        served(engines, "orders", prefix=prefix, database_url=database, instance="orders-2") as other,
    ):
        _, come = await one.call("POST", "/api/v1/guest", anonymous=True)
        headers = {"X-Guest-Token": come["guest_token"], "Idempotency-Key": "k1"}
        wish = {**body(("A", 1)), "email": "guest@example.com"}

        async def bought(at):
            async def asked():
                status, answer = await at.call(
                    "POST", "/api/v1/guest/orders", anonymous=True, headers=headers, json=wish
                )
                return (status, answer["id"]) if status == 201 else None

            return await until(asked, deadline_s=BUYERS_PATIENCE_S, every_s=0.2)

        answers = await asyncio.gather(*(bought(at) for at in (one, other) * 10))
        assert len(set(answers)) == 1
        assert fakes.inventory.held_units("A") == 1


async def test_the_last_units_of_the_real_inventory_go_to_as_many_buyers(engines, prefix):
    async with (
        shop(engines.redis, prefix, without=("inventory",)),
        served(engines, "inventory", prefix=prefix) as inventory,
        served(engines, "orders", prefix=prefix, reserving_s=BUYERS_PATIENCE_S) as orders,
    ):
        await receive(inventory, "A", 10)
        answers = await asyncio.gather(*(buy(orders, customer(), ("A", 1)) for _ in range(60)))
        codes = Counter(answer.get("code", status) for status, answer in answers)
        assert codes == {201: 10, "insufficient_stock": 50}

        async def settled():
            """Whatever a refused buyer's late request may have held has been given back."""
            sagas = await rows(orders.settings.database_url, "SELECT status FROM audit.sagas")
            return Counter(row["status"] for row in sagas) == {"running": 10, "refused": 50}

        await until(settled)
        held = await rows(
            inventory.settings.database_url, "SELECT sum(quantity) AS n FROM audit.reservations WHERE status = 'held'"
        )
        assert held[0]["n"] == 10


async def test_cancel_and_capture_at_once_end_either_paid_then_cancelled_or_cancelled(engines, prefix):
    async with an_order(engines, prefix) as told:
        path = f"/api/v1/orders/{told.order['id']}/cancel"
        _, (status, order) = await asyncio.gather(
            told.tell(PaymentProcessed), told.orders.call("POST", path, principal=told.buyer)
        )
        assert (status, order["status"]) == (200, "cancelled")
        await told.applied(1)
        story = await told.story()
        assert story["order"]["status"] == "cancelled"
        assert story["captured_minor"] is not None
        await told.tell(PaymentRefunded)
        await told.tell(InventoryReleased)
        story = await told.becomes("cancelled", saga="compensated")
        assert told.events(story).count("order.cancelled") == 1


async def test_ten_cancels_and_a_declined_card_cancel_once(engines, prefix):
    async with an_order(engines, prefix) as told:
        path = f"/api/v1/orders/{told.order['id']}/cancel"
        answers = await asyncio.gather(
            *(told.orders.call("POST", path, principal=told.buyer) for _ in range(10)), told.tell(PaymentFailed)
        )
        assert {answer[0] for answer in answers if answer} == {200}
        await told.applied(1)
        assert told.events(await told.story()) == ["order.created", "order.cancelled"]


async def test_one_customer_racing_himself_uses_a_coupon_as_often_as_allowed(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        await orders.call("POST", "/api/v1/coupons", json={"code": "TWO", "rate_bp": 1000, "uses_per_customer_max": 2})
        buyer = customer()
        answers = await asyncio.gather(*(buy(orders, buyer, ("A", 1), coupon="TWO") for _ in range(8)))
        assert Counter(status for status, _ in answers) == {201: 2, 409: 6}


async def test_one_cart_bought_from_two_tabs_is_one_order(engines, prefix):
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, resolver_interval_s=0.05) as orders,
    ):
        buyer = customer()
        await orders.call("POST", "/api/v1/cart/items", principal=buyer, json={"sku": "A", "quantity": 1})
        fakes.inventory.plan.extend(["slow"] * 4)

        answers = await asyncio.gather(*(buy(orders, buyer, key=f"tab{n}") for n in range(4)))
        codes = Counter(answer.get("code", status) for status, answer in answers)
        assert codes[201] == 1
        assert set(codes) <= {201, "cart_changed", "empty_cart"}
        await until(lambda: fakes.inventory.held_units("A") == 1)


async def test_goods_put_in_at_once_are_all_in_the_cart(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        await asyncio.gather(
            *(
                orders.call("POST", "/api/v1/cart/items", principal=buyer, json={"sku": sku, "quantity": 1})
                for sku in "AB" * 10
            )
        )
        _, cart = await orders.call("GET", "/api/v1/cart", principal=buyer)
        assert {line["sku"]: line["quantity"] for line in cart["lines"]} == {"A": 10, "B": 10}
        assert cart["version"] == 20


async def test_two_resolvers_finish_a_pile_of_lost_answers_once_each(engines, prefix):
    quick = {"reserve_timeout_s": 0.3, "resolver_interval_s": 0.05}
    async with (
        database_of(engines, "orders") as database,
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, database_url=database, **quick) as one,
        served(engines, "orders", prefix=prefix, database_url=database, instance="orders-2", **quick),
    ):
        fakes.inventory.plan.extend(["fail_after"] * 12)
        answers = await asyncio.gather(*(buy(one, customer(), ("A", 1)) for _ in range(12)))
        assert {status for status, _ in answers} == {201}
        placed = await rows(database, "SELECT id FROM audit.orders")
        assert fakes.inventory.held_units("A") == len(placed) == 12
        events = await rows(database, "SELECT aggregate_id FROM audit.outbox")
        assert len(events) == len(placed)


async def test_two_resolvers_are_never_at_one_saga(engines, prefix):
    quick = {"reserve_timeout_s": 0.6, "resolver_interval_s": 0.02}
    async with (
        database_of(engines, "orders") as database,
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, database_url=database, **quick) as one,
        served(engines, "orders", prefix=prefix, database_url=database, instance="orders-2", **quick),
    ):
        fakes.inventory.plan.append("fail_after")
        fakes.inventory.show_delay_s = 0.4
        await place(one, customer(), ("A", 1))

        async def placed():
            return await rows(database, "SELECT id FROM audit.orders")

        await until(placed)
        assert len([call for call in fakes.inventory.calls if call.startswith("show")]) == 1


async def test_who_waited_for_an_order_sees_its_parcels_as_they_stand(engines, prefix):
    """A parcel that moved while somebody waited for the order's lock is not shown as it was before the wait."""
    async with (
        an_order(engines, prefix) as told,
        asyncpg.create_pool(told.orders.settings.database_url, min_size=2, max_size=2) as pool,
        pool.acquire() as first,
        pool.acquire() as second,
    ):
        order_id = UUID(told.order["id"])
        async with first.transaction():
            assert (await store.lock(first, order_id)).state.shipments == ()

            async def wait_and_read():
                async with second.transaction():
                    return await store.lock(second, order_id)

            waiting = asyncio.create_task(wait_and_read())
            await until(lambda: _waits(first, second))
            parcel = Shipment(id=uuid4(), carrier="c", tracking_number="t", reported=ShipmentState.DISPATCHED)
            await store.put_shipments(first, order_id, [parcel], actor="shipping")
        assert (await waiting).state.shipments == (parcel,)


async def _waits(asker, other):
    pid = other.get_server_pid()
    return await asker.fetchval("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1", pid)
