"""What an order should have cost is written down beside it: once, by the rules, and where two agree."""

from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from shared.contracts.inventory import InventoryReleased
from shared.contracts.payments import PaymentFailed, PaymentProcessed
from shared.identity import Principal
from svc.orders.pricing import calculate_order_total
from tests.support.builders.orders import customer, place
from tests.support.builders.placed_order import an_order, rows
from tests.support.services import database_of, served

pytestmark = pytest.mark.service("orders")

RIGHT = {"amount": "17.29", "currency": "EUR"}  # 10.00 + 23 % + 4.99
TOLD_MINOR = 1_729


def off_by(minor):
    """A pricing that taxes the first line so much too much."""

    def price_order(lines, **rules):
        exact = calculate_order_total(lines, **rules)
        first, *others = exact.lines
        return msgspec.structs.replace(
            exact,
            lines=(msgspec.structs.replace(first, tax_minor=first.tax_minor + minor), *others),
            tax_minor=exact.tax_minor + minor,
            total_minor=exact.total_minor + minor,
        )

    return price_order


async def correct(orders, order, total=RIGHT, **more):
    path = f"/internal/orders/{order['id']}/price-correction"
    return await orders.call("POST", path, json={"total": total, "reason": "priced wrongly"}, **more)


@asynccontextmanager
async def priced_wrongly(engines, prefix, minor, *facts, status):
    """The order, at rest and priced by a broken part, and orders as it runs without it."""
    async with database_of(engines, "orders") as url:
        broken = {"parts": {"price_order": off_by(minor)}, "database_url": url}
        async with an_order(engines, prefix, **broken) as told:
            assert (await correct(told.orders, told.order))[1]["code"] == "order_undecided"
            await told.tell(*facts)
            await told.becomes(status)
            assert (await correct(told.orders, told.order))[1]["code"] == "price_is_right"
        async with served(engines, "orders", prefix=prefix, database_url=url, role="api") as orders:
            yield orders, told


@pytest.mark.parametrize("minor", [7, -7])
async def test_a_wrong_price_is_corrected_once_and_the_order_stays_as_it_was_told(engines, prefix, minor):
    async with priced_wrongly(engines, prefix, minor, PaymentProcessed, status="paid") as (orders, told):
        _, before = await orders.call("GET", f"/api/v1/orders/{told.order['id']}", principal=told.buyer)
        status, first = await correct(orders, told.order)
        assert (status, first["total_minor"], first["charged_minor"]) == (200, TOLD_MINOR, TOLD_MINOR + minor)
        assert (first["difference_minor"], first["discounts"], first["taxes"]) == (minor, [0], [230])
        assert await correct(orders, told.order) == (200, first)
        assert await correct(orders, told.order, total={"amount": "1.00", "currency": "EUR"}) == (200, first)
        database = orders.settings.database_url
        (audited,) = await rows(database, "SELECT * FROM audit.price_corrections")
        assert (audited["total_minor"], audited["taxes"], audited["reason"]) == (TOLD_MINOR, "230", "priced wrongly")
        notes = await rows(database, "SELECT note FROM order_notes WHERE actor LIKE 'operator:%'")
        assert [row["note"] for row in notes] == [
            f"priced at {TOLD_MINOR + minor} EUR, right is {TOLD_MINOR}: priced wrongly"
        ]
        assert await orders.call("GET", f"/api/v1/orders/{told.order['id']}", principal=told.buyer) == (200, before)


async def test_an_order_that_was_never_paid_is_written_down_too(engines, prefix):
    async with priced_wrongly(engines, prefix, 7, PaymentFailed, InventoryReleased, status="cancelled") as (
        orders,
        told,
    ):
        status, correction = await correct(orders, told.order)
        assert (status, correction["difference_minor"]) == (200, 7)


async def test_nothing_is_written_down_where_the_rules_say_otherwise(engines, prefix):
    async with priced_wrongly(engines, prefix, 7, PaymentProcessed, status="paid") as (orders, told):
        for wrong in ({"amount": "17.28", "currency": "EUR"}, {"amount": "17.29", "currency": "USD"}):
            status, refused = await correct(orders, told.order, total=wrong)
            assert (status, refused["code"]) == (409, "rules_say_otherwise")
        assert (await correct(orders, told.order, principal=customer()))[0] in {403, 404}
        assert await rows(orders.settings.database_url, "SELECT FROM price_corrections") == []


async def test_coupon_and_promotions_are_those_of_the_order(engines, prefix):
    """A tenth of what is left when one of three is free, long after both have ended."""
    async with database_of(engines, "orders") as url:
        broken = {"promotions_kept_s": 0.0, "parts": {"price_order": off_by(7)}, "database_url": url}
        async with an_order(engines, prefix, **broken) as told:
            orders, admin = told.orders, Principal(subject=str(uuid4()), roles=frozenset({"admin"}))
            terms = {"code": "THREE", "buy_units": 2, "free_units": 1, "priority": 1}
            await orders.call("POST", "/api/v1/promotions", principal=admin, json=terms)
            await orders.call("POST", "/api/v1/coupons", json={"code": "SAVE10", "rate_bp": 1_000})
            status, told.order = await place(orders, told.buyer, ("A", 3), coupon="SAVE10")
            assert status == 201
            await orders.call("POST", "/api/v1/promotions/THREE/end", principal=admin)
            await told.tell(PaymentProcessed)
            await told.becomes("paid")
        async with served(engines, "orders", prefix=prefix, database_url=url, role="api") as orders:
            status, correction = await correct(orders, told.order, total={"amount": "27.13", "currency": "EUR"})
            assert (status, correction["discount_minor"], correction["tax_minor"]) == (200, 1_200, 414)


async def test_there_must_be_such_an_order(engines, prefix):
    async with served(engines, "orders", prefix=prefix, role="api") as orders:
        status, refused = await correct(orders, {"id": "00000000-0000-0000-0000-000000000001"})
        assert (status, refused["code"]) == (404, "order_not_found")


@pytest.mark.parametrize("statement", ["UPDATE price_corrections SET total_minor = 1", "DELETE FROM price_corrections"])
async def test_a_correction_is_final(engines, prefix, statement):
    async with priced_wrongly(engines, prefix, 7, PaymentProcessed, status="paid") as (orders, told):
        await correct(orders, told.order)
        with pytest.raises(asyncpg.RaiseError, match="corrected once"):
            await rows(orders.settings.database_url, statement)
