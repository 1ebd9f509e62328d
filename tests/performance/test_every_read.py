"""What every route that reads costs in statements: the same for 1, 10 and 100 rows, and never more than six.

Routes come from each service's OpenAPI document, rows from one of each kind multiplied (tests/support/multiplying.py).
A route that nobody gave a row fails and says so.
"""

import re

import pytest
import uvloop

from svc.auth import handlers as auth
from svc.inventory.store import warehousing
from tests.support.apps import SERVICES, WITH_DATABASE, routes
from tests.support.read_costs import ROUTES, STATEMENTS_MAX, Cost, Costs, costs_of, objections, reads
from tests.support.services import served
from tests.support.statements import API_ONLY

AS_MANY = {
    "auth /api/v1/auth/me": "the roles of one person",
    "auth /api/v1/users/{user_id}": "the roles of one person",
    "payments /api/v1/reconciliations/{report_id}": "one document, kept whole",
    "payments /internal/reconciliation/latest": "one document, kept whole",
    "notifications /api/v1/notifications/unsubscribe/{token}": "a page of a few lines",
    "notifications /api/v1/notifications/templates/{template}/preview": "the lines of one letter",
    "shipping /api/v1/shipping/quotes/{quote_id}": "the goods of one quote",
    "shipping /internal/quotes/{quote_id}": "the goods of one quote",
    "shipping /api/v1/shipping/rate-table": "the first table has more rates than a page",
    "shipping /api/v1/shipping/rates": "one offer for each method and carrier",
    "notifications /api/v1/notifications/preferences": "one entry for each topic and channel",
    "notifications /api/v1/notifications/templates": "as many as there are kinds of letters",
    "analytics /api/v1/reports/funnel": "the stages of an order",
    "analytics /api/v1/reports/saved/{report_id}": "one report, kept whole",
}
"""Routes whose answer has a list that does not grow with the rows, and why."""
BOUNDED = {
    "auth /.well-known/jwks.json": "sixteen keys",
    "auth /api/v1/auth/api-keys": "twenty keys",
    "auth /api/v1/auth/sessions": "fifty sessions",
    "catalog /api/v1/products/{reference}/related": "twenty products",
    "payments /api/v1/payment-methods": "ten methods",
    "payments /api/v1/payments/{payment_id}": "fifty refunds",
    "search /api/v1/search": "fifty goods",
    "search /api/v1/search/suggest": "eight titles",
    "analytics /api/v1/reports/orders": "seven states in each currency",
    "analytics /api/v1/reports/cohorts": "twenty-four months",
}
"""Routes whose list ends at a rule's limit before a hundred."""
OF_EVERY_SERVICE = {"/health/live", "/health/ready", "/internal/contract", "/metrics"}
OF_THE_GATEWAY = {"/", "/fleet/openapi.json"}


@pytest.fixture(scope="module")
def measured(engines):
    known: dict[str, Costs] = {}

    def of(service: str) -> Costs:
        if service not in known:
            known[service] = uvloop.run(costs_of(engines, service))
        return known[service]

    return of


@pytest.mark.parametrize(
    ("service", "path"),
    [
        pytest.param(service, path, marks=pytest.mark.service(service), id=f"{service} {path}")
        for service, path in ROUTES
    ],
)
def test_a_read_costs_the_same_few_statements_however_much_there_is(measured, service, path):
    route = f"{service} {path}"
    costs = measured(service)[path]
    assert objections(costs, as_many=route in AS_MANY, bounded=route in BOUNDED) == [], route


def test_only_what_every_service_has_is_left_out_of_its_document():
    """What is not in the document is not measured."""
    for service in SERVICES:
        read = {re.sub(r":\w+\}", "}", it.path) for it in routes(service) if it.method == "GET"}
        hidden = {path for path in read - {path.rstrip("/") for path in reads(service)} if "/openapi" not in path[:9]}
        assert hidden == OF_EVERY_SERVICE | (OF_THE_GATEWAY if service == "gateway" else set()), service


def test_every_exception_is_of_a_route_that_there_is():
    assert AS_MANY.keys() | BOUNDED.keys() <= {f"{service} {path}" for service, path in ROUTES}


@pytest.mark.service("gateway")
async def test_the_gateway_reads_without_a_database(engines, prefix, statements):
    assert set(SERVICES) - set(WITH_DATABASE) == {"gateway"}
    async with served(engines, "gateway", prefix=prefix, **API_ONLY) as gateway:
        for path in reads("gateway"):
            with statements.counted() as seen:
                assert (await gateway.call("GET", path))[0] == 200
            assert seen == []


def _read(rows, statements, *, status=200):
    return Cost(status, rows, ["SELECT"] * statements, {"items": [None] * rows})


@pytest.mark.parametrize(
    ("costs", "as_many", "objection"),
    [
        ([_read(1, 2), _read(10, 11), _read(100, 101)], False, "costs more the more there is"),
        ([_read(1, 2), _read(10, 2), _read(100, 3)], False, "costs more the more there is"),
        ([_read(n, STATEMENTS_MAX + 1) for n in (1, 10, 100)], False, "costs more than"),
        ([_read(0, 1, status=404)] * 3, False, "nothing to read"),
        ([_read(0, 1)] * 3, False, "no rows"),
        ([_read(1, 1)] * 3, False, "no rows"),
        ([_read(1, 1), _read(10, 1), _read(10, 1)], False, "no rows"),
        ([_read(n, 1) for n in (1, 10, 100)], True, "an exception"),
    ],
)
def test_what_is_wrong_with_a_read_is_said(costs, as_many, objection):
    assert any(it.startswith(objection) for it in objections(costs, as_many=as_many))


@pytest.mark.service("inventory")
def test_a_statement_for_each_row_is_caught(engines, monkeypatch):
    takes = warehousing.takes

    async def one_by_one(connection, **page):
        found = await takes(connection, **page)
        for take in found:
            await connection.fetchval("SELECT counted FROM stock_takes WHERE id = $1", take.id)
        return found

    monkeypatch.setattr(warehousing, "takes", one_by_one)
    costs = uvloop.run(costs_of(engines, "inventory", paths=lambda path: path.startswith("/api/v1/stock/")))
    assert {path for path, it in costs.items() if objections(it)} == {"/api/v1/stock/takes"}


@pytest.mark.service("auth")
def test_a_statement_of_the_orm_for_each_row_is_caught(engines, monkeypatch):
    list_users = auth.list_users

    async def one_by_one(uow, **page):
        found = await list_users(uow, **page)
        for user in found:
            await uow.session.refresh(user)
        return found

    monkeypatch.setattr(auth, "list_users", one_by_one)
    costs = uvloop.run(costs_of(engines, "auth", paths=lambda path: path == "/api/v1/users"))
    assert "costs more the more there is" in "".join(objections(costs["/api/v1/users"]))


@pytest.mark.service("notifications")
def test_a_service_whose_routes_nobody_gave_a_row_is_caught(engines):
    costs = uvloop.run(costs_of(engines, "notifications", is_seeded=False))
    lists = {"/api/v1/notifications", "/api/v1/notifications/bounces", "/api/v1/notifications/webhooks"}
    things = {path for path in costs if "{" in path}
    assert lists | things <= {path for path, it in costs.items() if objections(it)}
