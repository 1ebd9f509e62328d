"""What a read costs in statements: constant in the size of the page, and never more than six."""

from uuid import UUID, uuid4

import pytest

from shared.identity import Principal
from tests.support.auth_steps import as_user, auth_served, claims_of, login, register
from tests.support.rows import add_letters, add_payments, add_shipments, database_for
from tests.support.services import served
from tests.support.statements import API_ONLY
from tests.support.stocking import know

STATEMENTS_MAX = 6
SIZES = (1, 10, 100)
ROWS = 101


def _customer():
    return Principal(str(uuid4()), frozenset({"customer"}), email="buyer@example.com", session=str(uuid4()))


async def _costs(service, statements, path, principal, *, sizes=SIZES):
    """Statements per page size; the page is as long as asked for."""
    costs = {}
    for size in sizes:
        with statements.counted() as seen:
            status, page = await service.call("GET", path.format(size=size), principal=principal)
        assert (status, len(page["items"])) == (200, size), page
        costs[size] = len(seen)
        assert 1 <= len(seen) <= STATEMENTS_MAX, seen
    return costs


@pytest.mark.parametrize(
    ("name", "add", "path"),
    [
        pytest.param("payments", add_payments, "/api/v1/payments", marks=pytest.mark.service("payments")),
        pytest.param("shipping", add_shipments, "/api/v1/shipments", marks=pytest.mark.service("shipping")),
        pytest.param(
            "notifications", add_letters, "/api/v1/notifications", marks=pytest.mark.service("notifications")
        ),
    ],
)  # fmt: skip
async def test_a_page_of_ones_own_costs_the_same_whatever_its_size(engines, prefix, statements, name, add, path):
    async with served(engines, name, prefix=prefix, **API_ONLY) as service:
        buyer = _customer()
        await add(service, UUID(buyer.subject), ROWS)
        costs = await _costs(service, statements, path + "?limit={size}", buyer)
        assert len(set(costs.values())) == 1, costs


@pytest.mark.service("payments")
@pytest.mark.parametrize("name", ["payments", "shipping"])
async def test_one_of_ones_own_costs_few_statements(engines, prefix, statements, name):
    add, path = {
        "payments": (add_payments, "/api/v1/payments"),
        "shipping": (add_shipments, "/api/v1/shipments"),
    }[name]
    async with served(engines, name, prefix=prefix, **API_ONLY) as service:
        buyer = _customer()
        await add(service, UUID(buyer.subject), 1)
        (found,) = (await service.call("GET", path, principal=buyer))[1]["items"]
        with statements.counted() as seen:
            assert (await service.call("GET", f"{path}/{found['id']}", principal=buyer))[0] == 200
        assert 1 <= len(seen) <= 3, seen


@pytest.mark.service("auth")
async def test_a_page_of_users_costs_the_same_whatever_its_size(engines, prefix, statements):
    async with auth_served(engines, prefix, **API_ONLY) as auth:
        people = [{"email": f"u{n}@example.com", "name": "U"} for n in range(ROWS)]
        assert (await auth.call("POST", "/internal/users/import", json={"items": people}))[0] == 200
        costs = await _costs(auth, statements, "/api/v1/users?limit={size}", None)
        assert len(set(costs.values())) == 1, costs


@pytest.mark.service("auth")
async def test_ones_own_profile_and_a_login_cost_few_statements(engines, prefix, statements):
    async with auth_served(engines, prefix, **API_ONLY) as auth:
        user = await register(auth)
        await login(auth, user["email"])
        with statements.counted() as seen:
            status, pair = await login(auth, user["email"])
        assert status == 200
        assert statements.transactions() <= 2
        assert len([one for one in seen if not one.startswith(("BEGIN", "COMMIT"))]) <= 2 * STATEMENTS_MAX, seen
        me = as_user(user["user_id"], claims_of(pair["access_token"])["sid"])
        with statements.counted() as seen:
            assert (await auth.call("GET", "/api/v1/auth/me", principal=me))[0] == 200
        assert 1 <= len(seen) <= STATEMENTS_MAX, seen


@pytest.mark.service("inventory")
async def test_availability_is_one_statement_for_one_sku_and_for_a_hundred(engines, prefix, statements):
    async with served(engines, "inventory", prefix=prefix, **API_ONLY) as inventory:
        skus = [f"S{n}" for n in range(100)]
        items = [{"sku": sku, "quantity": 1, "reference": sku} for sku in skus]
        await know(inventory, *skus)
        assert (await inventory.call("POST", "/internal/stock/import", json={"items": items}))[0] == 200
        for size in SIZES:
            with statements.counted() as seen:
                _, stock = await inventory.call("GET", f"/api/v1/stock?skus={','.join(skus[:size])}")
            assert len(stock["items"]) == size
            assert len(seen) == 1, seen


@pytest.mark.service("catalog")
async def test_products_cost_one_statement_a_page_and_none_from_the_shelf(engines, prefix, statements):
    async with served(engines, "catalog", prefix=prefix, **API_ONLY) as catalog:
        await _fill_catalog(catalog, ROWS)
        costs = await _costs(catalog, statements, "/api/v1/products?limit={size}", None)
        assert set(costs.values()) == {1}, costs
        await catalog.call("GET", "/api/v1/products/thing-1")
        with statements.counted() as seen:
            assert (await catalog.call("GET", "/api/v1/products/thing-1"))[0] == 200
        assert seen == []


@pytest.mark.service("catalog")
async def test_prices_for_a_cart_are_one_statement_for_one_sku_and_for_a_hundred(engines, prefix, statements):
    async with served(engines, "catalog", prefix=prefix, **API_ONLY) as catalog:
        await _fill_catalog(catalog, ROWS)
        for size in SIZES:
            skus = ",".join(f"T{n}" for n in range(size))
            with statements.counted() as seen:
                _, priced = await catalog.call("GET", f"/internal/variants?skus={skus}")
            assert len(priced["items"]) == size
            assert len(seen) == 1, seen


@pytest.mark.service("analytics")
@pytest.mark.parametrize("report", ["revenue", "orders", "funnel", "refunds", "products", "stock-turn"])
async def test_a_report_costs_the_same_for_one_day_and_for_a_year(engines, prefix, statements, report):
    async with served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics:
        costs = set()
        for query in ("", "&since=2025-01-01&until=2025-01-01", "&since=2025-01-01&until=2025-12-31"):
            with statements.counted() as seen:
                assert (await analytics.call("GET", f"/api/v1/reports/{report}?currency=EUR{query}"))[0] == 200
            costs.add(len(seen))
        assert len(costs) == 1
        assert max(costs) <= STATEMENTS_MAX


@pytest.mark.service("analytics")
async def test_a_report_of_ones_own_and_its_export_cost_the_same_for_one_row_and_for_a_thousand(
    engines, prefix, statements
):
    columns = [{"name": "sold", "expression": "sold"}]
    period = {"since": "2026-01-01", "until": "2026-01-31"}
    async with served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics:
        report = {"dataset": "stock", "group_by": ["sku"], "columns": columns}
        _, saved = await analytics.call("POST", "/api/v1/reports/saved", json={"name": "sold", "report": report})
        costs = []
        for rows in (1, 10, 1_000):
            async with database_for(analytics) as database, database.acquire() as connection:
                await connection.execute(
                    "INSERT INTO stock_daily SELECT 1, '2026-01-02', n::text, 'main', 0, 1, 0 "
                    "FROM generate_series(1, $1) n ON CONFLICT DO NOTHING",
                    rows,
                )
            with statements.counted() as seen:
                asked = {"report": report, **period}
                status, answer = await analytics.call("POST", "/api/v1/reports/query", json=asked)
                assert (status, len(answer["rows"])) == (200, rows)
                costs.append(len(seen))
            target = f"/api/v1/reports/saved/{saved['id']}/export?format=json&since=2026-01-01&until=2026-01-31"
            with statements.counted() as seen:
                assert len((await analytics.call("GET", target))[1]["rows"]) == rows
                costs.append(len([one for one in seen if not one.startswith(("BEGIN", "COMMIT", "SELECT count"))]))
        assert len(set(costs[::2])) == len(set(costs[1::2])) == 1, costs
        assert max(costs) <= STATEMENTS_MAX


async def _fill_catalog(catalog, count):
    items = [
        {
            "slug": f"thing-{n}", "title": f"Thing {n}", "category": "things", "status": "active",
            "variants": [{"sku": f"T{n}", "price_minor": 100}],
        }
        for n in range(count)
    ]  # fmt: skip
    status, body = await catalog.call("POST", "/internal/products/import", json={"items": items})
    assert status == 200, body
