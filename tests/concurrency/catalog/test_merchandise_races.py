"""Windows of prices, category moves, feeds, views and warm-ups: fifty at one moment, over two instances."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from svc.catalog.domain import WINDOWS_PER_PRICE_MAX
from tests.support.cataloguing import ADMIN, CUSTOMER, created, imported, item
from tests.support.racing import AT_ONCE, pair, race
from tests.support.services import until

pytestmark = [pytest.mark.service("catalog"), pytest.mark.timeout(180)]

SURPLUS = AT_ONCE // 2


def _codes(answers):
    return Counter(answer.get("code", status) if isinstance(answer, dict) else status for status, answer in answers)


async def _fetch(catalog, query, *values):
    connection = await asyncpg.connect(catalog.settings.database_url)
    try:
        return await connection.fetch(query, *values)
    finally:
        await connection.close()


def _window(product, *, begins_s, ends_s):
    now = datetime.now(UTC)
    body = {
        "sku": "RED",
        "price": {"amount": "5.00", "currency": "EUR"},
        "valid_from": (now + timedelta(seconds=begins_s)).isoformat(),
        "valid_until": (now + timedelta(seconds=ends_s)).isoformat(),
    }
    return "POST", f"/api/v1/products/{product['id']}/price-windows", body


async def test_of_fifty_prices_for_the_same_time_one_holds(engines, prefix):
    async with pair(engines, "catalog", prefix) as both:
        product = await created(both[0])

        def add(at, n):
            method, path, body = _window(product, begins_s=1_000 + n, ends_s=2_000 + n)
            return at.call(method, path, json=body)

        assert _codes(await race(both, add)) == {201: 1, "window_overlaps": AT_ONCE - 1}


async def test_prices_to_come_that_are_added_at_once_keep_to_their_limit(engines, prefix):
    async with pair(engines, "catalog", prefix) as both:
        product = await created(both[0])
        await _fetch(
            both[0],
            "INSERT INTO price_windows (id, sku, currency, price_minor, valid, created_by) "
            "SELECT gen_random_uuid(), 'RED', 'EUR', 1, tstzrange(day, day + interval '1 hour'), 'test' "
            "FROM generate_series(now() + interval '2 days', now() + $1 * interval '1 day', '1 day') AS day",
            1 + WINDOWS_PER_PRICE_MAX - (AT_ONCE - SURPLUS),
        )

        def add(at, n):
            method, path, body = _window(product, begins_s=1_000 * (n + 1), ends_s=1_000 * (n + 1) + 500)
            return at.call(method, path, json=body)

        assert _codes(await race(both, add)) == {201: AT_ONCE - SURPLUS, "too_many_windows": SURPLUS}


async def test_a_price_to_come_that_is_taken_out_fifty_times_goes_once(engines, prefix):
    async with pair(engines, "catalog", prefix) as both:
        product = await created(both[0])
        method, path, body = _window(product, begins_s=1_000, ends_s=2_000)
        _, window = await both[0].call(method, path, json=body)
        answers = await race(both, lambda at, _: at.call("DELETE", f"{path}/{window['id']}"))
        assert Counter(status for status, _ in answers) == {204: 1, 404: AT_ONCE - 1}


async def test_of_fifty_moves_of_one_category_one_wins_and_the_tree_stays_one(engines, prefix):
    async with pair(engines, "catalog", prefix) as both:
        await imported(both[0], item(), item("pot", category="kitchen/mugs/pots"), item("desk", category="office"))

        def move(at, n):
            wish = {"path": "kitchen/mugs", "to": f"office/cups-{n}"}
            return at.call("POST", "/api/v1/categories/move", json=wish, principal=ADMIN)

        assert _codes(await race(both, move)) == {200: 1, "unknown_category": AT_ONCE - 1}
        await _is_one_tree(both[0])


async def test_two_categories_that_are_moved_below_each_other_make_no_cycle(engines, prefix):
    async with pair(engines, "catalog", prefix) as both:
        await imported(both[0], item("left", category="left/mugs"), item("right", category="right/mugs"))

        def move(at, n):
            path, to = ("left", "right/mugs/left") if n % 2 else ("right", "left/mugs/right")
            return at.call("POST", "/api/v1/categories/move", json={"path": path, "to": to}, principal=ADMIN)

        assert _codes(await race(both, move)) == {200: 1, "unknown_category": AT_ONCE - 1}
        await _is_one_tree(both[0])


async def test_goods_that_come_into_a_category_while_it_moves_lie_where_it_is(engines, prefix):
    async with pair(engines, "catalog", prefix) as both:
        await imported(both[0], item(), item("desk", category="office"))

        def act(at, n):
            if n == AT_ONCE // 2:
                wish = {"path": "kitchen", "to": "office/kitchen"}
                return at.call("POST", "/api/v1/categories/move", json=wish, principal=ADMIN)
            goods = {
                "slug": f"mug-{n}", "title": "Mug", "category": "kitchen/mugs",
                "variants": [{"sku": f"MUG-{n}", "prices": [{"amount": "1.00", "currency": "EUR"}]}],
            }  # fmt: skip
            return at.call("POST", "/api/v1/products", json=goods, principal=ADMIN)

        codes = _codes(await race(both, act))
        assert codes[200] == 1
        assert codes.keys() <= {200, 201, "unknown_category"}
        await _is_one_tree(both[0])
        assert await _fetch(both[0], "SELECT slug FROM products WHERE category LIKE 'kitchen%'") == []


async def test_a_feed_brought_fifty_times_at_once_is_made_and_counted_once(engines, prefix):
    async with pair(engines, "catalog", prefix) as both:
        goods = b"\n".join(msgspec.json.encode(item(f"mug-{n}")) for n in range(20))
        path = f"/api/v1/product-imports/{uuid4()}"
        answers = await race(both, lambda at, _: at.call("PUT", path, data=goods))
        assert _codes(answers).keys() <= {200, "import_under_way"}
        status, feed = await both[0].call("PUT", path, data=goods)
        assert (status, feed["status"], feed["rows_done"], feed["created"]) == (200, "completed", 20, 20)
        told = await _fetch(both[0], "SELECT aggregate_id FROM outbox WHERE type = 'product.upserted'")
        assert len(told) == len({row["aggregate_id"] for row in told}) == 20


async def test_fifty_views_at_once_are_fifty_views(engines, prefix):
    async with pair(engines, "catalog", prefix) as both:
        product = await created(both[0])
        path = f"/api/v1/products/{product['id']}"
        answers = await race(both, lambda at, _: at.call("GET", path, principal=CUSTOMER))
        assert _codes(answers) == {200: AT_ONCE}

        async def counted():
            return (await both[1].call("GET", f"{path}/staff", principal=ADMIN))[1]["views"] == AT_ONCE

        await until(counted)


async def _is_one_tree(catalog):
    """Every category but a root lies below one that there is, and so does every product."""
    lost = await _fetch(
        catalog,
        "SELECT path FROM categories AS c WHERE parent_path IS NOT NULL AND NOT EXISTS ("
        "SELECT FROM categories AS p WHERE p.path = c.parent_path AND starts_with(c.path, p.path || '/'))"
        " UNION ALL SELECT slug FROM products WHERE category NOT IN (SELECT path FROM categories)",
    )
    assert lost == []
