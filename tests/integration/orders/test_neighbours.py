"""One suite for the services that orders calls, played on the real ones and on the fakes of the other tests.

A fake that answered otherwise would let a test of orders pass that the fleet fails. The simulated world (PSP, carrier,
mail catcher) has no fakes: every test that needs it runs it.
"""

from uuid import uuid4

import pytest

from shared.currencies import CURRENCIES
from tests.support.fakes.shop import SHIPPED_FOR
from tests.support.neighbours import KINDS, neighbour

pytestmark = pytest.mark.feature("what orders asks of its neighbours")

GOODS = {"A": (5, 1_000), "B": (1, 2_550)}


def wish(reservation_id, **lines):
    return {
        "reservation_id": str(reservation_id),
        "customer_id": "00000000-0000-0000-0000-000000000001",
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()],
    }


def told(problem, *names):
    """What a refusal says to programs."""
    return {name: problem[name] for name in ("status", "code", *names)}


@pytest.mark.service("inventory", "orders")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_hold_is_kept_repeated_pinned_shown_and_given_back(engines, prefix, kind):
    async with neighbour(engines, prefix, "inventory", kind, GOODS) as inventory:
        one = uuid4()
        held = await inventory.call("POST", "/internal/reservations", json=wish(one, A=3))
        assert held[0] == 201
        assert (held[1]["reservation_id"], held[1]["status"]) == (str(one), "held")
        assert held[1]["lines"] == [{"sku": "A", "quantity": 3}]
        again = await inventory.call("POST", "/internal/reservations", json=wish(one, A=3))
        assert (again[0], again[1]["status"], again[1]["lines"]) == (201, "held", held[1]["lines"])
        for method, path in (("POST", f"/internal/reservations/{one}/pin"), ("GET", f"/internal/reservations/{one}")):
            status, body = await inventory.call(method, path)
            assert (status, body["reservation_id"], body["status"]) == (200, str(one), "held")
        for _ in range(2):
            status, body = await inventory.call(
                "POST", f"/internal/reservations/{one}/release", json={"reason": "payment_failed"}
            )
            assert (status, body["status"]) == (200, "released")
        status, body = await inventory.call("POST", "/internal/reservations", json=wish(uuid4(), A=5))
        assert (status, body["status"]) == (201, "held"), "what was given back is there again"


@pytest.mark.service("inventory", "orders")
@pytest.mark.parametrize("kind", KINDS)
async def test_who_gets_nothing_is_told_why_and_takes_nothing(engines, prefix, kind):
    async with neighbour(engines, prefix, "inventory", kind, GOODS) as inventory:
        status, problem = await inventory.call("POST", "/internal/reservations", json=wish(uuid4(), A=1, B=2))
        assert (status, told(problem, "sku", "requested", "available")) == (
            409,
            {"status": 409, "code": "insufficient_stock", "sku": "B", "requested": 2, "available": 1},
        )
        status, problem = await inventory.call("POST", "/internal/reservations", json=wish(uuid4(), GHOST=1))
        assert (status, told(problem, "sku")) == (404, {"status": 404, "code": "unknown_sku", "sku": "GHOST"})
        status, _ = await inventory.call("POST", "/internal/reservations", json=wish(uuid4(), A=5, B=1))
        assert status == 201


@pytest.mark.service("inventory", "orders")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_hold_nobody_asked_for_is_unknown_and_once_given_back_cannot_come_any_more(engines, prefix, kind):
    async with neighbour(engines, prefix, "inventory", kind, GOODS) as inventory:
        never = uuid4()
        for method, path in (
            ("GET", f"/internal/reservations/{never}"),
            ("POST", f"/internal/reservations/{never}/pin"),
        ):
            status, problem = await inventory.call(method, path)
            assert (status, problem["code"]) == (404, "unknown_reservation")
        status, body = await inventory.call(
            "POST", f"/internal/reservations/{never}/release", json={"reason": "order_refused"}
        )
        assert (status, body["status"], body["lines"]) == (200, "released", [])
        status, body = await inventory.call("POST", "/internal/reservations", json=wish(never, A=1))
        assert (status, body["status"]) == (201, "released")


@pytest.mark.service("catalog", "orders")
@pytest.mark.parametrize("kind", KINDS)
async def test_the_catalog_prices_what_it_knows_and_leaves_out_the_rest(engines, prefix, kind):
    async with neighbour(engines, prefix, "catalog", kind, GOODS) as catalog:
        status, body = await catalog.call("GET", "/internal/variants", params={"skus": "A,B,GHOST"})
        assert status == 200
        assert {
            one["sku"]: (one["title"], one["price_minor"], one["currency"], one["status"], one["tax_class"])
            for one in body["items"]
        } == {
            "A": ("Product A", 1_000, "EUR", "active", "standard"),
            "B": ("Product B", 2_550, "EUR", "active", "standard"),
        }
        assert len({one["product_id"] for one in body["items"]}) == 2


@pytest.mark.service("shipping", "orders")
@pytest.mark.parametrize("kind", KINDS)
async def test_sending_costs_something_in_the_currency_asked_for_or_is_not_offered(engines, prefix, kind):
    async with neighbour(engines, prefix, "shipping", kind, GOODS) as shipping:
        asked = {"country": "IE", "currency": "EUR", "subtotal_minor": 1000, "lines": [{"sku": "A", "quantity": 1}]}
        asked |= {"customer_id": None, "postal_code": None}
        quotes = {}
        for method in ("standard", "express"):
            status, quotes[method] = await shipping.call("POST", "/internal/quotes", json=asked | {"method": method})
            assert (status, quotes[method]["currency"], quotes[method]["method"]) == (201, "EUR", method)
        assert 0 < quotes["standard"]["amount_minor"] < quotes["express"]["amount_minor"]
        asked |= {"method": "standard", "currency": "MXN"}
        status, problem = await shipping.call("POST", "/internal/quotes", json=asked)
        assert (status, told(problem, "currency")) == (
            422,
            {"status": 422, "code": "currency_not_served", "currency": "MXN"},
        )


@pytest.mark.service("shipping", "orders")
@pytest.mark.parametrize("kind", KINDS)
async def test_sending_is_paid_in_the_same_currencies(engines, prefix, kind):
    async with neighbour(engines, prefix, "shipping", kind, GOODS) as shipping:
        asked = {"country": "IE", "subtotal_minor": 1, "lines": [{"sku": "A", "quantity": 1}], "method": "standard"}
        asked |= {"customer_id": None, "postal_code": None}
        served = {
            currency
            for currency in CURRENCIES
            if (await shipping.call("POST", "/internal/quotes", json=asked | {"currency": currency}))[0] == 201
        }
        assert served == SHIPPED_FOR


@pytest.mark.service("shipping", "orders")
@pytest.mark.parametrize("kind", KINDS)
async def test_goods_that_never_left_are_kept_back_as_often_as_it_is_asked(engines, prefix, kind):
    async with neighbour(engines, prefix, "shipping", kind, GOODS) as shipping:
        order_id = uuid4()
        for _ in range(2):
            status, body = await shipping.call("POST", f"/internal/orders/{order_id}/withhold")
            assert (status, body) == (200, {"outcome": "withheld"})
