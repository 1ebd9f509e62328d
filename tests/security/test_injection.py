"""Text of a caller's is data: in every query parameter and path of every service, no answer is 5xx or speaks SQL."""

import asyncio
import json
import time
from urllib.parse import quote
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.support.apps import BEHIND, built, routes
from tests.support.builders.orders import body, customer, place
from tests.support.fakes.shop import shop
from tests.support.probes import person, whole
from tests.support.services import served
from tests.support.statements import API_ONLY

ALL_ROLES = ("customer", "seller", "support", "admin", "operator", "service")
SLEEP_S = 5
PAYLOADS = (
    "'",
    "' OR '1'='1",
    "' OR 1=1 --",
    '" OR ""="',
    "1; SELECT 1",
    "x') UNION SELECT version(), current_user --",
    "' AND 1=CAST((SELECT version()) AS int) --",
    "id DESC; DROP TABLE products",
    "(CASE WHEN 1=1 THEN id END)",
    "%",
    "_" * 50,
    "\\",
    "\x00",
    "🛒" * 20,
    '{"script": {"source": "1"}}',
    "title:* AND _exists_:cost",
    "${jndi:ldap://127.0.0.1/x}",
    "{{7*7}}",
    "-1",
    "9" * 40,
    "A" * 6_000,
)
SPEAKS_SQL = (
    "syntax error", "asyncpg", "sqlalchemy", "pg_catalog", "postgresql", "unterminated", "select ", "invalid input",
    'relation "', "traceback", "elasticsearch", "parsing_exception",
)  # fmt: skip


def _parameters(name):
    """(path, parameter) of every query parameter of every GET route, from the service's own contract."""
    paths = built(name).openapi_schema.to_schema()["paths"]
    return [
        (path, parameter["name"])
        for path, item in paths.items()
        for parameter in item.get("get", {}).get("parameters", ())
        if parameter["in"] == "query"
    ]


def _speaks(answer, payload):
    """Words of an engine in the answer, beside what the caller said itself."""
    text = json.dumps(answer).replace(json.dumps(payload)[1:-1], "").lower()
    return [word for word in SPEAKS_SQL if word in text]


async def _get(service, target, principal):
    return await service.call("GET", target, principal=principal)


@pytest.mark.parametrize("name", [name for name in BEHIND if _parameters(name)])
async def test_no_query_parameter_reaches_an_engine_as_code(engines, prefix, name):
    parameters = _parameters(name)
    async with whole(engines, name, prefix) as service:
        caller = person(*ALL_ROLES)
        wrong = []
        for path, parameter in parameters:
            target = path.replace("{", "").replace("}", "")
            for payload in PAYLOADS:
                status, answer = await _get(service, f"{target}?{parameter}={quote(payload)}", caller)
                if status >= 500 or (status >= 400 and _speaks(answer, payload)):
                    wrong.append((path, parameter, payload[:40], status))
        assert wrong == []


@pytest.mark.parametrize("name", [name for name in BEHIND if any(":str}" in route.path for route in routes(name))])
async def test_no_part_of_a_path_reaches_an_engine_as_code(engines, prefix, name):
    async with whole(engines, name, prefix) as service:
        caller = person(*ALL_ROLES)
        wrong = []
        for path, method in {(route.path, route.method) for route in routes(name) if ":str}" in route.path}:
            if path.startswith("/openapi"):
                continue
            for payload in PAYLOADS:
                segments = [quote(payload, safe="") if "{" in part else part for part in path.split("/")]
                status, answer = await service.call(method, "/".join(segments), principal=caller)
                if status >= 500 or (isinstance(answer, dict) and _speaks(answer, payload)):
                    wrong.append((method, path, payload[:40], status))
        assert wrong == []


@pytest.mark.service("catalog")
@pytest.mark.parametrize("parameter", ["q", "category", "ids", "skus", "cursor", "currency", "status"])
async def test_a_condition_that_is_always_true_finds_nothing_more(engines, prefix, parameter):
    async with served(engines, "catalog", prefix=prefix, **API_ONLY) as catalog:
        items = [
            {"slug": f"s{n}", "title": "Thing", "category": "c", "variants": [{"sku": f"S{n}", "price_minor": 1}]}
            for n in range(3)
        ]
        assert (await catalog.call("POST", "/internal/products/import", json={"items": items}))[0] == 200
        assert len((await catalog.call("GET", "/api/v1/products"))[1]["items"]) == 3
        for payload in ("x' OR '1'='1", "x' OR 1=1 --", "x%' OR true --", "x') OR ('1'='1"):
            target = f"/api/v1/products?{parameter}={quote(payload)}"
            status, page = await catalog.call("GET", target, anonymous=True)
            assert status == 400 or page["items"] == [], payload


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("catalog", "/api/v1/products?q={}"),
        ("catalog", "/api/v1/products/{}"),
        ("inventory", "/api/v1/stock?skus={}"),
        ("orders", "/api/v1/coupons/{}"),
        ("orders", "/api/v1/orders?cursor={}"),
        ("search", "/api/v1/search?q={}"),
        ("auth", "/api/v1/users?cursor={}"),
        ("analytics", "/api/v1/reports/revenue?since={}"),
    ],
)
async def test_nobody_makes_the_database_sleep(engines, prefix, name, target):
    payloads = [
        f"x'; SELECT pg_sleep({SLEEP_S}); --",
        f"x' OR (SELECT 1 FROM pg_sleep({SLEEP_S})) IS NOT NULL --",  # noqa: S608 that is the attack
        f"x'||(SELECT pg_sleep({SLEEP_S})::text)||'",
    ]
    async with whole(engines, name, prefix) as service:
        caller = person(*ALL_ROLES)
        for payload in payloads:
            began = time.monotonic()
            status, _ = await _get(service, target.format(quote(payload, safe="")), caller)
            assert status < 500
            assert time.monotonic() - began < SLEEP_S / 2


NUL = "a\x00b"


@pytest.mark.parametrize(
    ("name", "path", "document"),
    [
        ("auth", "/api/v1/auth/login", {"email": NUL, "password": "p"}),
        ("auth", "/api/v1/auth/refresh", {"refresh_token": NUL}),
        ("inventory", "/api/v1/stock/receipts", {"sku": "A", "quantity": 1, "reference": NUL}),
        ("inventory", "/api/v1/stock/receipts", {"sku": "A", "quantity": 1, "reference": "r", "warehouse": NUL}),
        ("inventory", f"/internal/reservations/{UUID(int=7)}/release", {"reason": NUL}),
        ("orders", "/api/v1/coupons", {"code": NUL, "rate_bp": 100}),
        (
            "shipping",
            "/api/v1/shipping/rate-table",
            {
                "zone": NUL, "method": "standard", "currency": "EUR", "weight_g_max": 1, "amount_minor": 1,
                "days_max": 1,
            },
        ),
    ],
)  # fmt: skip
async def test_a_character_that_cannot_be_stored_is_the_callers_mistake(engines, prefix, name, path, document):
    async with whole(engines, name, prefix) as service:
        status, _ = await service.call("POST", path, principal=person(*ALL_ROLES), json=document)
        assert status in {400, 401}


@pytest.mark.service("orders")
async def test_hostile_text_in_an_address_is_stored_to_the_letter_and_harms_no_later_reader(engines, prefix):
    hostile = "Robert'); DROP TABLE orders; --"
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        buyer = customer()
        address = {**body()["shipping_address"], "name": hostile}
        status, order = await place(orders, buyer, ("A", 1), shipping_address=address)
        assert status == 201
        status, page = await orders.call("GET", "/api/v1/orders", principal=buyer)
        assert (status, [item["id"] for item in page["items"]]) == (200, [order["id"]])
        connection = await asyncpg.connect(orders.settings.database_url)
        try:
            stored = await connection.fetchval(
                "SELECT to_jsonb(o)::text FROM orders o WHERE id = $1", UUID(order["id"])
            )
            assert hostile in stored
        finally:
            await connection.close()


@pytest.mark.service("catalog")
async def test_a_wildcard_is_a_letter_like_any_other(engines, prefix):
    async with served(engines, "catalog", prefix=prefix, **API_ONLY) as catalog:
        items = [{"slug": "a", "title": "Plain", "category": "c", "variants": [{"sku": "A", "price_minor": 1}]}]
        await catalog.call("POST", "/internal/products/import", json={"items": items})
        for words in ("%", "_____", "%lain", "*", "P*"):
            _, page = await catalog.call("GET", f"/api/v1/products?q={quote(words)}", anonymous=True)
            assert page["items"] == [], words


@pytest.mark.service("orders")
async def test_a_cursor_that_was_tampered_with_is_refused(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        buyer = customer()
        await asyncio.gather(*(place(orders, buyer, ("A", 1)) for _ in range(3)))
        cursor = (await orders.call("GET", "/api/v1/orders?limit=1", principal=buyer))[1]["next_cursor"]
        assert (await orders.call("GET", f"/api/v1/orders?cursor={cursor}", principal=buyer))[0] == 200
        for tampered in (cursor[:-3], cursor[::-1], cursor + "AAAA", "A" * len(cursor), str(uuid4()), "W10"):
            status, problem = await orders.call("GET", f"/api/v1/orders?cursor={tampered}", principal=buyer)
            assert (status, problem["code"]) == (400, "invalid_cursor"), tampered


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("orders", "/api/v1/orders"),
        ("payments", "/api/v1/payments"),
        ("shipping", "/api/v1/shipments"),
        ("notifications", "/api/v1/notifications"),
        ("catalog", "/api/v1/products"),
        ("search", "/api/v1/search"),
        ("auth", "/api/v1/users"),
    ],
)
async def test_a_page_of_any_other_size_than_allowed_is_refused(engines, prefix, name, path):
    async with whole(engines, name, prefix) as service:
        caller = person(*ALL_ROLES)
        for limit in ("0", "-1", "101", "999999999999999999999", "1.5", "x", "1e3"):
            status, _ = await _get(service, f"{path}?limit={limit}", caller)
            assert status == 400, limit
