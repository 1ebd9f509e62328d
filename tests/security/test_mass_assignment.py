"""Nobody sets by a body what is not theirs to set: unknown fields are refused by name, on every writing route."""

from typing import Any, get_args
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from tests.support.apps import BEHIND, built, routes
from tests.support.auth_steps import auth_served, new_email
from tests.support.builders.orders import ADDRESS, body, customer, place
from tests.support.fakes.shop import shop
from tests.support.probes import ask, person, whole
from tests.support.services import served
from tests.support.statements import API_ONLY

ALL_ROLES = ("customer", "seller", "support", "admin", "operator", "service")
WRITING = {"POST", "PUT", "PATCH"}
FIELDS = (
    "role", "is_admin", "price", "price_minor", "discount_minor", "total", "owner_id", "customer_id", "featured",
    "approved_by", "created_at", "__class__", "$where",
)  # fmt: skip


def _bodies(name: str) -> dict[tuple[str, str], type]:
    """(method, path) → the struct of its body, for every route that reads one."""
    found = {}
    for route in built(name).routes:
        for handler in getattr(route, "route_handlers", ()):
            field = handler.parsed_fn_signature.parameters.get("data")
            for method in handler.http_methods & WRITING:
                if field is not None:
                    found[method, route.path.rstrip("/")] = field.annotation
    return found


def _structs(annotation: Any) -> set[type[msgspec.Struct]]:
    """Every struct a body may hold, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        inner = (_structs(field.type) for field in msgspec.structs.fields(annotation))
        return {annotation}.union(*inner)
    return set().union(*(_structs(argument) for argument in get_args(annotation)))


def _given(struct: Any) -> set[str]:
    return {field.encode_name for one in _structs(struct) for field in msgspec.structs.fields(one)}


@pytest.mark.parametrize("name", BEHIND)
def test_every_struct_of_a_body_refuses_what_it_does_not_know(name):
    lenient = [
        f"{method} {path}: {struct.__name__}"
        for (method, path), annotation in _bodies(name).items()
        for struct in _structs(annotation)
        if not struct.__struct_config__.forbid_unknown_fields
    ]
    assert lenient == []


@pytest.mark.parametrize("name", [name for name in BEHIND if _bodies(name)])
async def test_a_field_that_is_not_asked_for_is_refused_by_its_name(engines, prefix, name):
    bodies = _bodies(name)
    async with whole(engines, name, prefix) as service:
        headers = {**service.headers(person(*ALL_ROLES)), "Idempotency-Key": "k", "If-Match": '"1"'}
        wrong = []
        for route in routes(name):
            struct = bodies.get((route.method, route.path))
            for field in FIELDS if struct is not None else ():
                if field in _given(struct):
                    continue
                status, problem = await ask(service, route, headers=headers, json={field: "x"})
                named = [error["field"] for error in problem.get("errors", [])] if isinstance(problem, dict) else []
                if (status, named) != (400, [field]):
                    wrong.append((str(route), field, status, named))
        assert wrong == []


@pytest.mark.service("orders")
@pytest.mark.parametrize(
    "extra",
    [
        {"total": {"amount": "0.01", "currency": "EUR"}},
        {"discount_minor": 99_999},
        {"status": "paid"},
        {"customer_id": str(uuid4())},
        {"placed_at": "2020-01-01T00:00:00Z"},
    ],
)
async def test_an_order_with_a_field_of_the_shops_own_is_not_placed(engines, prefix, extra):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        status, problem = await place(orders, customer(), ("A", 1), **extra)
        assert (status, problem["errors"][0]["field"]) == (400, next(iter(extra)))
        assert fakes.inventory.calls == []


@pytest.mark.service("orders")
@pytest.mark.parametrize("field", ["price", "unit_price_minor", "line_total_minor", "discount"])
async def test_a_line_with_a_price_of_the_clients_is_refused(engines, prefix, field):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        wish = {**body(), "items": [{"sku": "A", "quantity": 1, field: 1}]}
        status, problem = await orders.call(
            "POST", "/api/v1/orders", principal=customer(), json=wish, headers={"Idempotency-Key": "k"}
        )
        assert (status, problem["code"]) == (400, "invalid_body")
        assert fakes.inventory.calls == []


@pytest.mark.service("orders")
@pytest.mark.parametrize("quantity", [-1, 0, 1.5, "1", True, None, 10**9, 2**63, 1e300])
async def test_a_quantity_that_is_no_small_whole_number_buys_nothing(engines, prefix, quantity):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        buyer = customer()
        for path, document in (
            ("/api/v1/orders", {**body(), "items": [{"sku": "A", "quantity": quantity}]}),
            ("/api/v1/cart/items", {"sku": "A", "quantity": quantity}),
        ):
            status, _ = await orders.call(
                "POST", path, principal=buyer, json=document, headers={"Idempotency-Key": uuid4().hex}
            )
            assert status in {400, 422}, path
        assert fakes.inventory.calls == []
        assert (await orders.call("GET", "/api/v1/cart", principal=buyer))[1]["lines"] == []


@pytest.mark.service("orders")
async def test_another_currency_or_country_than_the_shops_gains_nothing(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        for address in ({**ADDRESS, "country": "XX"}, {**ADDRESS, "country": "ie"}, {**ADDRESS, "currency": "JPY"}):
            status, _ = await place(orders, customer(), ("A", 1), shipping_address=address)
            assert status in {400, 422}, address
        assert fakes.inventory.holds == {}


@pytest.mark.service("auth")
@pytest.mark.parametrize("extra", [{"roles": ["admin"]}, {"role": "admin"}, {"status": "active"}, {"user_id": "x"}])
async def test_nobody_registers_with_a_role(engines, prefix, extra):
    async with auth_served(engines, prefix, **API_ONLY) as auth:
        email = new_email()
        status, problem = await auth.call(
            "POST", "/api/v1/auth/register", anonymous=True,
            json={"email": email, "password": "correct horse battery", "name": "Eve", **extra},
        )  # fmt: skip
        assert (status, problem["errors"][0]["field"]) == (400, next(iter(extra)))
        connection = await asyncpg.connect(auth.settings.database_url)
        try:
            assert await connection.fetchval("SELECT count(*) FROM users WHERE email = $1", email) == 0
        finally:
            await connection.close()
