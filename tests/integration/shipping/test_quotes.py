import re
from importlib import import_module
from uuid import uuid4

import asyncpg
import pytest

from shared.identity import Principal
from tests.support.rows import database_for
from tests.support.sending import a_paid_order, depot
from tests.support.services import served, until

pytestmark = pytest.mark.service("shipping")

QUOTES = "/internal/quotes"
CUSTOMER = str(uuid4())
WISH = {"customer_id": CUSTOMER, "country": "DE", "postal_code": "d-10115", "lines": [{"sku": "A", "quantity": 2}]}


async def quote_for(shipping, **more):
    status, quote = await shipping.call("POST", QUOTES, json={**WISH, **more})
    assert status == 201, quote
    return quote


async def standing(shipping, quote_id, customer_id=CUSTOMER):
    status, body = await shipping.call("GET", f"{QUOTES}/{quote_id}?customer_id={customer_id}")
    return status, body if status == 200 else body["code"]


async def measure(shipping, sku, weight_g, length_mm, width_mm, height_mm):
    figures = {"weight_g": weight_g, "length_mm": length_mm, "width_mm": width_mm, "height_mm": height_mm}
    status, body = await shipping.call("PUT", f"/api/v1/shipping/measures/{sku}", json=figures)
    assert status == 200, body


async def test_a_quote_stands_for_its_customer_until_its_time_is_over(engines, prefix):
    async with served(engines, "shipping", prefix=prefix, quote_lifetime_s=1.0) as shipping:
        quote = await quote_for(shipping)
        assert await standing(shipping, quote["id"]) == (200, quote)
        assert await standing(shipping, quote["id"], uuid4()) == (404, "unknown_quote")
        assert await standing(shipping, uuid4()) == (404, "unknown_quote")

        async def over():
            return await standing(shipping, quote["id"]) == (409, "quote_expired")

        await until(over)  # the quote's own time, which the database's clock decides


async def test_a_quote_never_changes(engines, prefix):
    async with served(engines, "shipping", prefix=prefix) as shipping, database_for(shipping) as database:
        await quote_for(shipping)
        for change in ("amount_minor = 1", "carrier = 'swiftway'", "expires_at = expires_at + interval '1 day'"):
            with pytest.raises(asyncpg.CheckViolationError, match="does not change"):
                async with database.acquire() as connection:
                    await connection.execute(f"UPDATE quotes SET {change}")  # noqa: S608 constants


async def test_the_parcel_goes_by_the_quote_that_its_order_was_placed_at(engines, prefix, tmp_path):
    """Also when its time is over, the rates have changed, or everybody may buy at it; the first order is kept."""
    rate = {"zone": "home", "method": "standard", "currency": "EUR", "weight_g_max": 31_500, "days_max": 9}
    async with depot(engines, prefix, tmp_path, quote_lifetime_s=0.01) as house:
        swift = {**rate, "carrier": "swiftway", "amount_minor": 1}
        assert (await house.service.call("POST", "/api/v1/shipping/rate-table", json=swift))[0] == 201
        own, open_to_all = await quote_for(house.service), await quote_for(house.service, customer_id=None)
        post = {**rate, "carrier": "parcelpost", "amount_minor": 0, "weight_g_max": 31_000}
        assert (await house.service.call("POST", "/api/v1/shipping/rate-table", json=post))[0] == 201
        orders = [a_paid_order(shipping_quote_id=quote["id"]) for quote in (own, own, open_to_all)]
        orders.append(a_paid_order(shipping_quote_id=uuid4()))
        await house.pay(*orders)
        for order in orders:
            await house.reaches(order, "delivered")
        rows = await house.connection.fetch("SELECT order_id, carrier, promised_for FROM shipments")
        went = {row["order_id"]: (row["carrier"], str(row["promised_for"])) for row in rows}
        for order, quote in zip(orders[:3], (own, own, open_to_all), strict=True):
            assert went[order.order_id] == ("swiftway", quote["deliver_by"])
        assert went[orders[3].order_id][0] == "parcelpost"
        used = await house.connection.fetch("SELECT id::text, used_by FROM quotes WHERE used_by IS NOT NULL")
        assert [tuple(row) for row in used] == [(own["id"], orders[0].order_id)]


async def test_a_quote_packs_what_was_measured_and_prices_each_box(engines, prefix):
    async with served(engines, "shipping", prefix=prefix) as shipping:
        ordinary = await quote_for(shipping)
        assert (ordinary["amount_minor"], ordinary["parcels"], ordinary["postal_code"]) == (490, 1, "10115")
        await measure(shipping, "A", 20_000, 300, 300, 300)
        heavy = await quote_for(shipping)
        assert (heavy["amount_minor"], heavy["parcels"]) == (2 * 1_290, 2)
        assert (await quote_for(shipping, subtotal_minor=10_000))["amount_minor"] == 0
        await measure(shipping, "A", 100, 500, 350, 300)  # light, and a box of its own each: 84 dm³ count as 16.8 kg
        assert (await quote_for(shipping))["amount_minor"] == 2 * 1_290
        await measure(shipping, "A", 40_000, 100, 100, 100)
        status, body = await shipping.call("POST", QUOTES, json=WISH)
        assert (status, body["code"], body["sku"]) == (422, "item_too_large", "A")


async def test_a_second_carrier_undercuts_the_first(engines, prefix):
    rate = {"zone": "home", "method": "standard", "currency": "EUR", "amount_minor": 450, "days_max": 4}
    async with served(engines, "shipping", prefix=prefix) as shipping:
        for carrier, status in (("swiftway", 201), ("swiftway", 409), ("nobody", 422)):
            sent = {**rate, "carrier": carrier, "weight_g_max": 31_500}
            assert (await shipping.call("POST", "/api/v1/shipping/rate-table", json=sent))[0] == status
        quote = await quote_for(shipping)
        assert (quote["carrier"], quote["amount_minor"]) == ("swiftway", 450)
        _, page = await shipping.call(
            "GET", "/api/v1/shipping/rates?country=DE&weight_g=500&volume_cm3=100000", anonymous=True
        )
        standard = next(item for item in page["items"] if item["method"] == "standard")
        assert (standard["carrier"], standard["price"]["amount"]) == ("swiftway", "4.50")  # 16.7 kg of room
        assert standard["deliver_by"]


async def test_a_quote_is_shown_to_its_customer_and_asked_for_by_services_only(engines, prefix):
    owner = Principal(CUSTOMER, frozenset({"customer"}))
    stranger = Principal(str(uuid4()), frozenset({"customer"}))
    async with served(engines, "shipping", prefix=prefix) as shipping:
        quote = await quote_for(shipping)
        path = f"/api/v1/shipping/quotes/{quote['id']}"
        assert (await shipping.call("GET", path, principal=owner))[1] == quote
        status, body = await shipping.call("GET", path, principal=stranger)
        assert (status, body["code"]) == (404, "unknown_quote")
        assert (await shipping.call("POST", QUOTES, json=WISH, principal=owner))[0] == 403


async def test_an_address_is_checked_by_its_countrys_form(engines, prefix):
    address = {"name": "Ann", "line1": "Way  1", "city": "Delft", "postal_code": "2611 gz", "country": "NL"}
    path = "/api/v1/shipping/addresses/check"
    async with served(engines, "shipping", prefix=prefix) as shipping:
        status, body = await shipping.call("POST", path, json=address, anonymous=True)
        assert (status, body["postal_code"], body["line1"]) == (200, "2611 GZ", "Way 1")
        for field, value in (("postal_code", "0611 GZ"), ("postal_code", ""), ("city", " "), ("name", "")):
            status, body = await shipping.call("POST", path, json={**address, field: value}, anonymous=True)
            assert (status, body["code"], body["field"]) == (422, "invalid_address", field)
        status, body = await shipping.call("POST", QUOTES, json={**WISH, "postal_code": "1"})
        assert (status, body["code"], body["field"]) == (422, "invalid_address", "postal_code")


def test_every_countrys_example_is_a_code_of_its_form():
    forms = import_module("svc.shipping.migrations.versions.0002_carriers_boxes_returns").POSTAL_FORMS
    for country, (pattern, template, example) in forms.items():
        match = re.fullmatch(pattern, re.sub(r"[\s-]", "", example).removeprefix(country), re.ASCII)
        assert match is not None, country
        assert match.expand(template) == example, country


async def test_measures_are_listed_by_page_and_bad_figures_are_named(engines, prefix):
    async with served(engines, "shipping", prefix=prefix) as shipping:
        for number in range(3):
            await measure(shipping, f"S{number}", 100 + number, 10, 20, 30)
        _, page = await shipping.call("GET", "/api/v1/shipping/measures?limit=2")
        _, rest = await shipping.call("GET", f"/api/v1/shipping/measures?cursor={page['next_cursor']}")
        assert [row["sku"] for row in [*page["items"], *rest["items"]]] == ["S0", "S1", "S2"]
        figures = {"weight_g": 0, "length_mm": 1, "width_mm": 1, "height_mm": 1}
        status, body = await shipping.call("PUT", "/api/v1/shipping/measures/S0", json=figures)
        assert (status, body["code"]) == (400, "invalid_body")
        assert "weight_g" in str(body["errors"])
