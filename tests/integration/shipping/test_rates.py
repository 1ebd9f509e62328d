import pytest

from shared.identity import Principal
from tests.support.services import served

pytestmark = pytest.mark.service("shipping")

RATES = "/api/v1/shipping/rates"
QUOTES = "/internal/quotes"
TABLE = "/api/v1/shipping/rate-table"


async def test_offers_follow_zone_weight_and_the_value_of_the_goods(engines, prefix):
    async with served(engines, "shipping", prefix=prefix) as shipping:

        async def prices(query):
            status, body = await shipping.call("GET", f"{RATES}?{query}", anonymous=True)
            assert status == 200, body
            return {item["method"]: item["price"]["amount"] for item in body["items"]}

        assert await prices("country=DE&weight_g=900") == {"standard": "4.90", "express": "10.78"}
        assert (await prices("country=DE&weight_g=1001"))["standard"] == "6.90"
        assert (await prices("country=FR&weight_g=900"))["standard"] == "8.90"
        assert (await prices("country=NZ&weight_g=900"))["standard"] == "19.90"
        assert (await prices("country=DE&weight_g=64000"))["standard"] == "30.70"  # two full parcels and a kilogram
        assert (await prices("country=DE&weight_g=900&subtotal_minor=9999"))["standard"] == "4.90"
        assert (await prices("country=DE&weight_g=900&subtotal_minor=10000"))["standard"] == "0.00"
        assert (await prices("country=DE&weight_g=900&currency=JPY"))["standard"] == "784"
        assert (await prices("country=DE&weight_g=900&currency=BHD"))["standard"] == "2.058"
        for query in ("country=de", "country=DEU", "country=DE&weight_g=0", "country=DE&currency=eur", ""):
            status, _ = await shipping.call("GET", f"{RATES}?{query}", anonymous=True)
            assert status == 400, query
        status, body = await shipping.call("GET", f"{RATES}?country=DE&currency=XAF", anonymous=True)
        assert (status, body["code"]) == (422, "currency_not_served")


async def test_orders_get_a_quote_by_goods_for_whoever_buys_them(engines, prefix):
    async with served(engines, "shipping", prefix=prefix) as shipping:
        for country, pieces, amount_minor in (("DE", 1, 490), ("DE", 3, 690), ("US", 1, 1_990)):
            status, quote = await shipping.call("POST", QUOTES, json=_wish(country, pieces))
            assert (status, quote["amount_minor"], quote["currency"]) == (201, amount_minor, "EUR")
            assert (quote["customer_id"], quote["goods"]) == (None, [{"sku": "A", "quantity": pieces}])
        customer = Principal(subject="c", roles=frozenset({"customer"}))
        status, _ = await shipping.call("POST", QUOTES, json=_wish("US", 1), principal=customer)
        assert status == 403


async def test_rates_are_edited_from_the_version_that_was_read(engines, prefix):
    async with served(engines, "shipping", prefix=prefix) as shipping:
        _, page = await shipping.call("GET", f"{TABLE}?zone=home&currency=EUR&limit=4")
        _, rest = await shipping.call("GET", f"{TABLE}?zone=home&currency=EUR&cursor={page['next_cursor']}")
        rows = [*page["items"], *rest["items"]]
        assert len({row["id"] for row in rows}) == 6
        row = next(row for row in rows if (row["method"], row["weight_g_max"]) == ("standard", 1_000))
        path = f"{TABLE}/{row['id']}"
        status, body = await shipping.call("PATCH", path, json={"amount_minor": 500})
        assert (status, body["code"]) == (400, "if_match_missing")
        status, body = await shipping.call(
            "PATCH", path, json={"amount_minor": 500, "free_from_minor": 0}, headers={"If-Match": '"1"'}
        )
        assert (status, body["amount_minor"], body["free_from_minor"], body["version"]) == (200, 500, None, 2)
        status, body = await shipping.call("PATCH", path, json={"amount_minor": 400}, headers={"If-Match": '"1"'})
        assert (status, body["code"]) == (412, "version_changed")
        _, quote = await shipping.call("POST", QUOTES, json={**_wish("DE", 1), "subtotal_minor": 999_999})
        assert quote["amount_minor"] == 500
        wish = {key: row[key] for key in ("zone", "method", "currency", "weight_g_max", "days_max")}
        status, body = await shipping.call("POST", TABLE, json={**wish, "amount_minor": 1})
        assert (status, body["code"]) == (409, "rate_exists")
        status, body = await shipping.call("POST", TABLE, json={**wish, "zone": "moon", "amount_minor": 1})
        assert (status, body["code"]) == (422, "unknown_zone")
        status, body = await shipping.call("POST", TABLE, json={**wish, "weight_g_max": 250, "amount_minor": 290})
        assert (status, body["version"]) == (201, 1)
        status, _ = await shipping.call("DELETE", f"{TABLE}/{body['id']}", headers={"If-Match": '"1"'})
        assert status == 204
        status, body = await shipping.call("DELETE", f"{TABLE}/{body['id']}", headers={"If-Match": '"1"'})
        assert (status, body["code"]) == (404, "unknown_rate")


async def test_only_admins_edit_rates_and_bad_figures_are_named(engines, prefix):
    async with served(engines, "shipping", prefix=prefix) as shipping:
        for roles in ({"customer"}, {"support"}, {"seller"}):
            caller = Principal(subject="x", roles=frozenset(roles))
            assert (await shipping.call("GET", TABLE, principal=caller))[0] == 403
            assert (await shipping.call("POST", TABLE, principal=caller, json={}))[0] == 403
        good = {
            "zone": "home", "method": "standard", "currency": "EUR", "weight_g_max": 10, "amount_minor": 1,
            "days_max": 1,
        }  # fmt: skip
        for field, value in (
            ("amount_minor", -1), ("amount_minor", 1.5), ("weight_g_max", 0), ("days_max", "1"), ("currency", "euro"),
            ("method", "drone"), ("extra", 1),
        ):  # fmt: skip
            status, body = await shipping.call("POST", TABLE, json={**good, field: value})
            assert (status, body["code"]) == (400, "invalid_body"), field
            assert field in str(body["errors"])


def _wish(country, pieces):
    return {"country": country, "lines": [{"sku": "A", "quantity": pieces}]}
