"""One of everything that can be read, for each service: what a new table needs so that its routes are measured."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared import one_time_tokens
from shared.identity import Principal
from shared.if_match import etag
from svc.auth import keys
from svc.notifications.domain import Topic, UnsubscribeLinks
from svc.orders.domain.guest import GUEST
from svc.payments.domain import payment_id_of
from svc.search.clients import Engine
from svc.search.indexing import Indexer
from tests.support.auth_steps import WEAK_HASHING, as_user, claims_of, login, new_api_key, register
from tests.support.builders.orders import place
from tests.support.cataloguing import imported, item
from tests.support.engines import EngineUrls
from tests.support.fakes.shop import shop
from tests.support.paying import psp_world
from tests.support.rows import add_letters, add_payments, add_shipments, database_for
from tests.support.services import Served, until
from tests.support.stocking import receive

EVERY_ROLE = frozenset({"customer", "admin", "support", "seller", "operator", "service"})
PERIOD = {"since": "2026-01-01", "until": "2026-06-30"}

FIGURES = (
    (
        "INSERT INTO revenue_daily SELECT 1, date '2026-01-01' + n, 'EUR', 1, 1, 0 "
        "FROM generate_series(1, $1::int) AS n ON CONFLICT DO NOTHING",
    ),
    (
        "INSERT INTO refunds_daily SELECT 1, '2026-01-02', 'EUR', 'reason ' || n, 1, 1, 0 "
        "FROM generate_series(1, $1::int) AS n ON CONFLICT DO NOTHING",
    ),
    (
        "INSERT INTO product_daily SELECT 1, '2026-01-02', 'EUR', 'S' || n, md5('S' || n)::uuid, 1, 1, 1 "
        "FROM generate_series(1, $1::int) AS n ON CONFLICT DO NOTHING",
    ),
    (
        "INSERT INTO customer_months SELECT 1, gen_random_uuid(), "
        "(date_trunc('month', now()) - (n % 6) * interval '1 month')::date, 'EUR', 1, 1 "
        "FROM generate_series(1, $1::int) AS n ON CONFLICT DO NOTHING",
    ),
    (
        "INSERT INTO order_journeys SELECT 1, md5('O' || n)::uuid, '2026-01-02', 1 "
        "FROM generate_series(1, $1::int) AS n ON CONFLICT DO NOTHING",
    ),
    (
        "INSERT INTO order_facts (generation, order_id, rank, total_minor, currency, paid_minor, refunded_minor) "
        "SELECT 1, md5('O' || n)::uuid, n % 7, 1, 'EUR', 1, 0 FROM generate_series(1, $1::int) AS n "
        "ON CONFLICT DO NOTHING",
    ),
    (
        "INSERT INTO activity_minutes SELECT 1, now() - interval '1 minute', 'type ' || n, 'EUR', 1, 1 "
        "FROM generate_series(1, $1::int) AS n ON CONFLICT DO NOTHING",
    ),
)
"""Figures of analytics."""


@dataclass
class Seeded:
    """Who asks, with which headers, and the values of path and query parameters; one that is SQL is asked for anew at
    each size. `grow` are statements, with their further values, that see to `$1` rows where a copy of a row would
    break a rule. `ready` is waited for once the rows are there.
    """

    caller: Principal = field(
        default_factory=lambda: Principal(str(uuid4()), EVERY_ROLE, email="buyer@example.com", session=str(uuid4()))
    )
    headers: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    grow: tuple[tuple[str, *tuple[str, ...]], ...] = ()
    ready: Callable[[Served], Awaitable[None]] | None = None


Seed = Callable[[Served, asyncpg.Connection, Seeded], Awaitable[None]]


async def _orders(orders: Served, connection: asyncpg.Connection, seeded: Seeded) -> None:
    async def placed():
        status, order = await place(orders, seeded.caller, ("A", 1))
        assert status in {201, 503}, order
        return order if status == 201 else None

    order = await until(placed)
    await orders.call("POST", "/api/v1/cart/items", principal=seeded.caller, json={"sku": "A", "quantity": 1})
    await orders.call("POST", "/api/v1/coupons", json={"code": "TEN", "rate_bp": 1000})
    await orders.call("POST", "/api/v1/promotions", json={"code": "SALE", "rate_bp": 500})
    path = f"/api/v1/orders/{order['id']}/notes"
    status, note = await orders.call("POST", path, principal=seeded.caller, json={"note": "wants a gift box"})
    assert status == 201, note
    await connection.execute("UPDATE sagas SET status = 'failed', ended_at = clock_timestamp()")
    await connection.execute("UPDATE orders SET payment_state = 'captured', captured_minor = total_minor")
    token = one_time_tokens.mint(orders.settings.internal_secret, GUEST, UUID(seeded.caller.subject))
    seeded.headers = {"X-Guest-Token": token}  # the same person as a guest: one has what the other has
    seeded.values |= {"order_id": order["id"], "code": "TEN", **_these_days()}


async def _payments(payments: Served, connection: asyncpg.Connection, seeded: Seeded) -> None:
    (order_id,) = await add_payments(payments, seeded.caller.person_id, 1)
    payment_id, refund_id, quote_id = payment_id_of(order_id), uuid4(), uuid4()
    await connection.execute(
        "INSERT INTO refunds (id, payment_id, psp_payment_id, amount_minor, currency, reason, requested_by, status, "
        "idempotency_key) VALUES ($1, $2, 'p', 1, 'EUR', 'test', 'test', 'pending', 'k')",
        refund_id, payment_id,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO conversion_quotes (id, customer_id, from_currency, to_currency, rate_nano, exchange_rate_id, "
        "expires_at) VALUES ($1, $2::text::uuid, 'EUR', 'USD', 1000000000, 'x', now() + interval '1 hour')",
        quote_id, seeded.caller.subject,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO disputes (id, psp_dispute_id, payment_id, psp_payment_id, amount_minor, currency, reason) "
        "VALUES (gen_random_uuid(), 'd', $1, 'p', 1, 'EUR', 'fraudulent')",
        payment_id,
    )
    (held_id,) = await add_payments(payments, seeded.caller.person_id, 1)
    await connection.execute(
        "UPDATE payments SET status = 'authorised', capture_apart = true WHERE order_id = $1", held_id
    )
    await connection.execute(
        "INSERT INTO authorisations (payment_id, order_id, psp_payment_id, authorised_minor, currency, expires_at, "
        "due_at) VALUES ($1, $2, 'held', 1, 'EUR', now() + interval '1 day', now() + interval '1 day')",
        payment_id_of(held_id), held_id,
    )  # fmt: skip
    (unheard_of,) = await add_payments(payments, seeded.caller.person_id, 1)
    await connection.execute(
        "UPDATE payments SET status = 'captured', captured_minor = amount_minor WHERE order_id = $1", unheard_of
    )  # the PSP knows nothing of it
    status, compared = await payments.call("GET", "/internal/reconciliation")
    assert status == 200, compared
    report = await connection.fetchval(
        "INSERT INTO reconciliations (report) VALUES ($1) RETURNING id::text", json.dumps(compared)
    )
    seeded.grow = (
        (
            "INSERT INTO reconciliations (at, report) SELECT at - n * interval '1 hour', report "
            "FROM generate_series((SELECT count(*) FROM reconciliations)::int, $1::int - 1) AS n, "
            "(SELECT at, report FROM reconciliations WHERE id = $2::text::uuid) AS kept",
            report,
        ),
        (
            "INSERT INTO payment_methods (id, customer_id, slot, token, brand, last4) "
            "SELECT gen_random_uuid(), $2::text::uuid, n, 'tok_' || n, 'visa', '4242' "
            "FROM generate_series(1, least($1::int, 10)) AS n ON CONFLICT DO NOTHING",
            seeded.caller.subject,
        ),
    )
    seeded.values |= {
        "report_id": report,
        "payment_id": str(payment_id), "refund_id": str(refund_id), "quote_id": str(quote_id),
        "customer_id": seeded.caller.subject,
    }  # fmt: skip


async def _shipping(shipping: Served, connection: asyncpg.Connection, seeded: Seeded) -> None:
    (order_id,) = await add_shipments(shipping, seeded.caller.person_id, 1)
    shipment_id = await connection.fetchval("SELECT id FROM shipments WHERE order_id = $1", order_id)
    figures = {"weight_g": 1, "length_mm": 1, "width_mm": 1, "height_mm": 1}
    await shipping.call("PUT", "/api/v1/shipping/measures/S", json=figures)
    wish = {"customer_id": seeded.caller.subject, "country": "DE", "postal_code": "10115"}
    status, quote = await shipping.call(
        "POST", "/internal/quotes", json={**wish, "lines": [{"sku": "S", "quantity": 1}]}
    )  # fmt: skip
    assert status == 201, quote
    seeded.values |= {
        "shipment_id": str(shipment_id), "order_id": "", "country": "DE", "items": "1", "quote_id": str(quote["id"]),
        "customer_id": seeded.caller.subject,
    }  # fmt: skip


async def _inventory(inventory: Served, connection: asyncpg.Connection, seeded: Seeded) -> None:
    await receive(inventory, "S", 10)
    await inventory.call("PUT", "/api/v1/stock/warehouses/north", json={"priority": 1, "ranks": {"SE": 1, "IT": 2}})
    await inventory.call("PUT", "/api/v1/stock/rules/S", json={"low_stock_at": 50})
    await inventory.call("POST", "/api/v1/stock/takes", json={"sku": "S"})
    reservation_id = str(uuid4())
    held = {"reservation_id": reservation_id, "customer_id": seeded.caller.subject}
    await inventory.call(
        "POST", "/internal/reservations", json={**held, "lines": [{"sku": "S", "quantity": 1}]}
    )  # fmt: skip
    seeded.values |= {"reservation_id": reservation_id, "skus": "SELECT sku FROM stock"}


async def _catalog(catalog: Served, connection: asyncpg.Connection, seeded: Seeded) -> None:
    things = [item(slug, sku=slug.upper(), category="things", status="active") for slug in ("t", "other")]
    await imported(catalog, *things)
    reference = await connection.fetchval("SELECT id::text FROM products WHERE slug = 't'")
    feed = str(uuid4())
    status, answer = await catalog.call(
        "PUT", f"/api/v1/product-imports/{feed}", principal=seeded.caller, data=b'{"slug": "bare"}'
    )
    assert status == 200, answer
    seeded.grow = (
        (
            "INSERT INTO price_windows (id, sku, currency, price_minor, valid, created_by) "
            "SELECT gen_random_uuid(), 'T', 'EUR', 1, tstzrange(day, day + interval '1 hour'), 'test' "
            "FROM (SELECT now() + n * interval '1 day' AS day FROM generate_series("
            "(SELECT 1 + count(*) FROM price_windows), $1::int) AS n) AS days",
        ),
        (
            "INSERT INTO price_history (sku, currency, price_minor) SELECT sku, currency, price_minor FROM variants "
            "WHERE sku NOT IN (SELECT sku FROM price_history) AND $1::int > 0",
        ),
        (
            "INSERT INTO feed_errors (feed_id, row_number, code, detail) SELECT $2::text::uuid, n, 'invalid_row', '' "
            "FROM generate_series(1, $1::int) AS n ON CONFLICT DO NOTHING",
            feed,
        ),
        (
            "INSERT INTO product_views (product_id, views) SELECT id, 1 FROM products WHERE $1::int > 0 "
            "ON CONFLICT DO NOTHING",
        ),
        (
            "UPDATE products SET related = ARRAY(SELECT id FROM products WHERE visible AND id <> $2::text::uuid "
            "ORDER BY id LIMIT least($1::int, 20)) WHERE id = $2::text::uuid",
            reference,
        ),
    )
    seeded.values |= {"reference": reference, "import_id": feed, "skus": "SELECT sku FROM variants"}


async def _auth(auth: Served, connection: asyncpg.Connection, seeded: Seeded) -> None:
    user = await register(auth, "buyer@example.com")
    _, tokens = await login(auth, user["email"])
    seeded.caller = as_user(user["user_id"], claims_of(tokens["access_token"])["sid"], *EVERY_ROLE)
    await new_api_key(auth, seeded.caller, "orders:read")

    seeded.values |= {"user_id": user["user_id"]}


async def _notifications(notifications: Served, connection: asyncpg.Connection, seeded: Seeded) -> None:
    await add_letters(notifications, seeded.caller.person_id, 1)
    endpoint = uuid4()
    await connection.execute(
        "INSERT INTO bounced_addresses (id, address, customer_id, delivery_id, reason) "
        "VALUES (gen_random_uuid(), 'gone@example.com', gen_random_uuid(), gen_random_uuid(), 'gone')"
    )
    await connection.execute(
        "INSERT INTO webhook_endpoints (id, seller_id, url, events, secret) "
        "VALUES ($1, $2::text::uuid, 'https://hooks.example.com', '{order.paid}', 'x')",
        endpoint, seeded.caller.subject,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO deliveries (id, event_id, template, channel, recipient, customer_id, context, message_id) "
        "VALUES (gen_random_uuid(), gen_random_uuid(), 'order.paid', 'webhook', $1, gen_random_uuid(), '{}', 'm')",
        str(endpoint),
    )
    wishes = {"refused": [{"topic": "shipping", "channel": "sms"}]}
    status, answer = await notifications.call(
        "PUT", "/api/v1/notifications/preferences", principal=seeded.caller, json=wishes, headers={"If-Match": etag(0)}
    )
    assert status == 200, answer
    token = UnsubscribeLinks(notifications.settings.internal_secret).token(seeded.caller.person_id, Topic.ORDERS)
    seeded.values |= {"endpoint_id": str(endpoint), "template": "order_paid", "token": token}


async def _analytics(analytics: Served, connection: asyncpg.Connection, seeded: Seeded) -> None:
    report = {"dataset": "stock", "group_by": ["sku"], "columns": [{"name": "sold", "expression": "sold"}]}
    status, saved = await analytics.call(
        "POST", "/api/v1/reports/saved", principal=seeded.caller, json={"name": "sold", "report": report}
    )
    assert status == 201, saved
    schedule = {"report_id": saved["id"], "cadence": "daily", "hour": 1, "days": 1}
    status, answer = await analytics.call("POST", "/api/v1/reports/schedules", principal=seeded.caller, json=schedule)
    assert status == 201, answer
    await connection.execute("INSERT INTO stock_daily VALUES (1, '2026-01-02', 'S', 'main', 0, 1, 0)")
    seeded.grow = FIGURES
    seeded.values |= {"report_id": saved["id"], "currency": "EUR", "format": "json", **PERIOD}


async def _search(_: Served, connection: asyncpg.Connection, seeded: Seeded) -> None:
    await connection.execute(
        "INSERT INTO documents (product_id, version, deleted, due_at, review) "
        "VALUES (gen_random_uuid(), 1, true, 'infinity', 'refused')"
    )
    await connection.execute("INSERT INTO index_builds (id, status) VALUES (gen_random_uuid(), 'requested')")
    seeded.grow = (
        (
            "INSERT INTO misses (words, times) SELECT 'jug ' || n, 3 FROM generate_series(1, $1::int) AS n "
            "ON CONFLICT DO NOTHING",
        ),
        (
            "INSERT INTO documents (product_id, version, deleted, body) SELECT id, 1, false, jsonb_build_object("
            "'product_id', id, 'slug', 'mug-' || n, 'title', 'mug ' || n, 'description', '', 'category', 'mugs', "
            "'status', 'active', 'variants', jsonb_build_array(jsonb_build_object("
            "'sku', 'M' || n, 'options', jsonb_build_object(), 'price_minor', 1, 'currency', 'EUR'))) "
            "FROM (SELECT n, md5('M' || n)::uuid AS id FROM generate_series(1, $1::int) AS n) AS goods "
            "ON CONFLICT DO NOTHING",
        ),
    )
    seeded.ready = _indexed
    seeded.values |= {"q": "mug"}


async def _indexed(search: Served) -> None:
    """All documents are found, and those that were refused stay so."""
    engine = Engine(search.settings.elasticsearch_url)
    async with database_for(search) as database:
        await engine.open()
        try:
            indexer = Indexer(database, engine, prefix=search.settings.prefix)
            await indexer.push()
            await engine.refresh(indexer.alias)
            async with database.acquire() as connection:
                await connection.execute(
                    "UPDATE documents SET indexed_version = 0, due_at = 'infinity', review = 'refused' WHERE deleted"
                )
        finally:
            await engine.close()


def _these_days() -> dict[str, str]:
    today = datetime.now(UTC).date()
    return {"since": str(today - timedelta(days=1)), "until": str(today + timedelta(days=1))}


@asynccontextmanager
async def beside(engines: EngineUrls, service: str, prefix: str) -> AsyncIterator[dict[str, Any]]:
    """Whom the service's reads ask, running; gives the settings by which it finds them."""
    if service == "payments":
        with TemporaryDirectory() as folder:
            async with psp_world(Path(folder)) as world:
                yield {"psp_url": world.psp_url}
    elif service == "auth":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keys, "RING_CACHED_S", 0.0)
            yield WEAK_HASHING
    else:
        async with shop(engines.redis, prefix):
            yield {}


SEEDS: dict[str, Seed] = {
    "search": _search,
    "orders": _orders, "payments": _payments, "shipping": _shipping, "inventory": _inventory, "catalog": _catalog,
    "auth": _auth, "notifications": _notifications, "analytics": _analytics,
}  # fmt: skip
