"""What requests cost, in statements and calls. Counts, not clocks."""

import asyncpg
import pytest

from shared.contracts.payments import PaymentProcessed
from tests.support.builders.orders import customer, place
from tests.support.builders.placed_order import an_order, rows
from tests.support.fakes.shop import shop
from tests.support.services import served
from tests.support.statements import API_ONLY

pytestmark = pytest.mark.service("orders")


async def test_a_sold_out_buyer_costs_two_statements_and_one_call(engines, prefix, statements):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        fakes.inventory.stock["A"] = 0
        await place(orders, customer(), ("A", 1))
        fakes.inventory.calls.clear()
        with statements.counted() as seen:
            assert (await place(orders, customer(), ("A", 1)))[0] == 409
        assert len(seen) == 2, seen
        assert len(fakes.inventory.calls) == 1


async def test_an_accepted_buyer_costs_two_transactions_and_two_calls_whatever_is_bought(engines, prefix, statements):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        many = [f"S{n}" for n in range(40)]
        for sku in many:
            fakes.inventory.stock[sku] = 10
            fakes.catalog.prices[sku] = (100, "EUR")
        await place(orders, customer(), ("A", 1))
        counts = []
        for wanted in ([("A", 1)], [("A", 1), ("B", 2)], [(sku, 1) for sku in many]):
            fakes.inventory.calls.clear()
            with statements.counted() as seen:
                assert (await place(orders, customer(), *wanted))[0] == 201
            counts.append(len(seen))
            assert len([one for one in seen if one.startswith("COMMIT")]) == 1
            assert [call.split()[0] for call in fakes.inventory.calls] == ["reserve", "pin"]
        assert counts == [5, 5, 5]  # saga; begin, order, outbox, commit


async def test_a_replayed_answer_writes_nothing(engines, prefix, statements):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        buyer = customer()
        await place(orders, buyer, ("A", 1), key="k1")
        fakes.inventory.calls.clear()
        with statements.counted():
            await place(orders, buyer, ("A", 1), key="k1")
        assert len(statements.seen) <= 6
        assert fakes.inventory.calls == []


@pytest.mark.parametrize("size", [1, 10, 100])
async def test_a_page_of_orders_is_one_statement_whatever_its_size(engines, prefix, statements, size):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        buyer = customer()
        for _ in range(12):
            await place(orders, buyer, ("A", 1), ("B", 1))
        with statements.counted() as seen:
            status, page = await orders.call("GET", f"/api/v1/orders?limit={size}", principal=buyer)
        assert status == 200
        assert len(page["items"]) == min(size, 12)
        assert len(seen) == 1, seen


async def test_a_cart_is_read_in_one_statement_and_priced_in_one_call(engines, prefix, statements):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        buyer = customer()
        for n in range(20):
            fakes.catalog.prices[f"S{n}"] = (100, "EUR")
            await orders.call("POST", "/api/v1/cart/items", principal=buyer, json={"sku": f"S{n}", "quantity": 1})
        fakes.catalog.calls = 0
        with statements.counted() as seen:
            _, cart = await orders.call("GET", "/api/v1/cart", principal=buyer)
        assert len(cart["lines"]) == 20
        assert len(seen) == 1, seen
        assert fakes.catalog.calls == 1


@pytest.mark.parametrize("size", [1, 10, 100])
async def test_papers_notes_and_lists_of_staff_cost_as_much_whatever_their_size(engines, prefix, statements, size):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        buyer = customer()
        _, order = await place(orders, buyer, ("A", 1), ("B", 1))
        await rows(
            orders.settings.database_url,
            "INSERT INTO order_notes (order_id, actor, note) SELECT $1, 'staff:x', n::text "
            "FROM generate_series(1, 100) AS n",
            order["id"],
        )
        await rows(
            orders.settings.database_url,
            "INSERT INTO promotions (code, kind, priority, exclusive, skus, rate_bp) "
            "SELECT 'P' || n, 'percentage', 1, false, '{}', 1 FROM generate_series(1, 100) AS n",
        )
        await rows(
            orders.settings.database_url,
            "INSERT INTO sagas (order_id, customer_id, scope, key, step, status, deadline_at, due_at, draft, ended_at) "
            "SELECT gen_random_uuid(), $1, 's', n::text, 'compensating', 'failed', now(), now(), '', now() "
            "FROM generate_series(1, 100) AS n",
            order["id"],
        )
        own = f"/api/v1/orders/{order['id']}"
        counts = {}
        for path in (f"{own}/notes", f"{own}/history", "/api/v1/orders/sagas", "/api/v1/promotions"):
            with statements.counted() as seen:
                status, page = await orders.call("GET", f"{path}?limit={size}")
            assert status == 200
            if not path.endswith("history"):
                assert len(page["items"]) == size
            counts[path.rpartition("/")[2]] = len(seen)
        assert counts == {"notes": 2, "history": 2, "sagas": 1, "promotions": 1}


async def test_promotions_cost_a_buyer_no_statement_while_they_are_remembered(engines, prefix, statements):
    async with (
        shop(engines.redis, prefix),
        served(engines, "orders", prefix=prefix, promotions_kept_s=600.0, **API_ONLY) as orders,
    ):
        await orders.call("POST", "/api/v1/promotions", json={"code": "NONE", "rate_bp": 1, "skus": ["X"]})
        await place(orders, customer(), ("A", 1))
        with statements.counted() as seen:
            assert (await place(orders, customer(), ("A", 1)))[0] == 201
        assert len(seen) == 5, seen


async def test_a_payment_is_applied_in_four_writes(engines, prefix, statements):
    async with an_order(engines, prefix, resolver_interval_s=60.0) as told:
        with statements.counted():
            await told.tell(PaymentProcessed)
            await told.becomes("paid")
        assert statements.writes() == ["inbox", "orders", "sagas", "outbox"]


async def test_own_orders_are_found_by_index(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        connection = await asyncpg.connect(orders.settings.database_url)
        try:
            await connection.execute("SET enable_seqscan = off")
            for query, index in (
                (
                    "SELECT 1 FROM orders WHERE customer_id = gen_random_uuid() "
                    "ORDER BY placed_at DESC, id DESC LIMIT 20",
                    "orders_of_customer",
                ),
                (
                    "SELECT order_id FROM sagas WHERE status = 'running' AND due_at <= clock_timestamp() "
                    "ORDER BY due_at LIMIT 32",
                    "sagas_due",
                ),
            ):
                plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}"))
                assert index in plan, plan
        finally:
            await connection.close()
