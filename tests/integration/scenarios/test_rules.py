"""The rules that prices are judged by, as the services' audit views tell them."""

import asyncpg
import pytest

from scenarios.snapshots import take_snapshots
from svc.orders.pricing import TAX_RATES_BP
from tests.support.engines import EngineUrls
from tests.support.services import database_of

ONE_VARIANT = """
    INSERT INTO categories (path, name) VALUES ('c', 'C');
    INSERT INTO products (id, slug, title, category, status)
    VALUES ('00000000-0000-0000-0000-000000000001', 'p', 'P', 'c', 'active');
    INSERT INTO variants (sku, product_id, currency, price_minor)
    VALUES ('A', '00000000-0000-0000-0000-000000000001', 'EUR', 100);
"""


async def test_the_tax_table_that_is_judged_by_is_the_one_that_pricing_uses(engines: EngineUrls) -> None:
    async with database_of(engines, "orders") as url:
        snapshots = await take_snapshots({"orders": url})
    assert {(row.country, row.tax_class): row.rate_bp for row in snapshots.tables.tax_rates} == TAX_RATES_BP


async def test_the_tax_class_of_a_sku_is_told_with_its_time(engines: EngineUrls) -> None:
    async with database_of(engines, "catalog") as url:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(ONE_VARIANT)
            await connection.execute("UPDATE products SET title = 'Q'")
            first = await take_snapshots({"catalog": url})
            await connection.execute("UPDATE products SET tax_class = 'zero'")
        finally:
            await connection.close()
        second = await take_snapshots({"catalog": url})
    (before,), (after,) = first.tables.variants, second.tables.variants
    assert (before.sku, before.tax_class, after.tax_class) == ("A", "standard", "zero")
    assert before.taxed_since < after.taxed_since


async def test_the_shipping_rates_are_told_by_country_and_the_worlds_without_one(engines: EngineUrls) -> None:
    async with database_of(engines, "shipping") as url:
        snapshots = await take_snapshots({"shipping": url})
    standard = {
        (row.country, row.weight_g_max): (row.amount_minor, row.free_from_minor)
        for row in snapshots.tables.shipping_rates
        if (row.method, row.currency) == ("standard", "EUR")
    }
    assert standard["DE", 1_000] == (490, 10_000)
    assert standard["IE", 5_000] == (1_690, None)
    assert standard["", 31_500] == (8_990, None)


@pytest.mark.parametrize(
    ("change", "spans"),
    [
        ("UPDATE variants SET position = 2", [("EUR", 100, False)]),
        ("UPDATE variants SET price_minor = 120", [("EUR", 100, True), ("EUR", 120, False)]),
        ("UPDATE variants SET currency = 'USD'", [("EUR", 100, True), ("USD", 100, False)]),
        ("DELETE FROM variants", [("EUR", 100, True)]),
        ("INSERT INTO variant_prices VALUES ('A', 'GBP', 90)", [("EUR", 100, False), ("GBP", 90, False)]),
    ],
)
async def test_every_price_is_remembered_with_its_time(
    engines: EngineUrls, change: str, spans: list[tuple[str, int, bool]]
) -> None:
    """Three values per price: currency, amount, and whether its time is over."""
    async with database_of(engines, "catalog") as url:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(ONE_VARIANT)
            await connection.execute(change)
        finally:
            await connection.close()
        snapshots = await take_snapshots({"catalog": url})
    told = [(row.currency, row.price_minor, row.valid_until is not None) for row in snapshots.tables.prices]
    assert sorted(told) == spans
