from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from scenarios.world.journals import read_journals
from svc.payments.domain import payment_id_of
from tests.support.exchanging import expire_quotes, quote, set_rate
from tests.support.paying import CUSTOMER, an_order, psp_world, till
from tests.support.services import served, until

pytestmark = pytest.mark.service("payments")


@asynccontextmanager
async def exchange(engines, prefix, folder):
    """Payments beside an exchange that gives 1.08 USD for a euro."""
    async with (
        psp_world(folder) as world,
        served(engines, "payments", prefix=prefix, role="api", psp_url=world.psp_url) as payments,
    ):
        await set_rate(world, "USD", "1.08")
        yield world, payments


async def test_a_quote_keeps_its_rate_whatever_becomes_of_it(engines, prefix, tmp_path):
    async with exchange(engines, prefix, tmp_path) as (world, payments):
        status, given = await quote(payments, CUSTOMER, "EUR", "USD")
        assert (status, given["rate_nano"]) == (201, 1_080_000_000)
        await set_rate(world, "USD", "1.17")
        path = f"/internal/quotes/{given['id']}?customer_id={CUSTOMER}"
        assert await payments.call("GET", path) == (200, given)
        assert (await quote(payments, CUSTOMER, "EUR", "USD"))[1]["rate_nano"] == 1_170_000_000
        quoted = [f"rate_{line.n}" for line in read_journals(tmp_path).exchange if line.kind == "quoted"]
        connection = await asyncpg.connect(payments.settings.database_url)
        try:
            kept = await connection.fetch("SELECT exchange_rate_id FROM audit.conversion_quotes ORDER BY quoted_at")
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute("UPDATE conversion_quotes SET rate_nano = rate_nano - 1")
        finally:
            await connection.close()
        assert [row["exchange_rate_id"] for row in kept] == quoted


async def test_a_quote_of_somebody_else_is_as_absent_as_one_that_never_was(engines, prefix, tmp_path):
    async with exchange(engines, prefix, tmp_path) as (_, payments):
        _, given = await quote(payments, CUSTOMER, "EUR", "USD")
        answers = [
            await payments.call("GET", f"/internal/quotes/{quote_id}?customer_id={customer_id}")
            for quote_id, customer_id in ((given["id"], uuid4()), (uuid4(), CUSTOMER))
        ]
        assert {(status, body["code"], body["detail"]) for status, body in answers} == {
            (404, "unknown_quote", "there is no such quote")
        }


async def test_a_rate_is_promised_for_a_time_only(engines, prefix, tmp_path):
    async with exchange(engines, prefix, tmp_path) as (_, payments):
        _, given = await quote(payments, CUSTOMER, "EUR", "USD")
        await expire_quotes(payments)
        status, refused = await payments.call("GET", f"/internal/quotes/{given['id']}?customer_id={CUSTOMER}")
        assert (status, refused["code"]) == (409, "quote_expired")


async def test_without_a_rate_nothing_is_promised(engines, prefix, tmp_path):
    async with exchange(engines, prefix, tmp_path) as (world, payments):
        await set_rate(world, "PLN", "9000000")
        refused = [
            await quote(payments, CUSTOMER, "EUR", "AED"),
            await quote(payments, CUSTOMER, "EUR", "EUR"),
            await quote(payments, CUSTOMER, "PLN", "EUR"),  # which comes out as nothing
        ]
        assert {(status, body["code"]) for status, body in refused} == {(422, "no_exchange_rate")}
        await world.stop()
        status, body = await quote(payments, CUSTOMER, "EUR", "USD")
        assert status == 503, body


async def test_a_converted_order_is_charged_in_the_currency_of_its_quote_and_no_other_is(engines, prefix, tmp_path):
    """What contradicts its quote, or names that of another order, is never charged."""
    async with till(engines, prefix, tmp_path) as shop:
        quotes = [(await quote(shop.service, CUSTOMER, "USD", "JPY"))[1]["id"] for _ in range(2)]
        good = an_order(total_minor=2_989, currency="JPY", quote_id=quotes[0])
        wrong = [
            an_order(total_minor=1_999, currency="USD", quote_id=quotes[1]),
            an_order(total_minor=2_989, currency="JPY", quote_id=quotes[0]),
            an_order(total_minor=2_989, currency="JPY", quote_id=uuid4()),
            an_order(total_minor=2_989, currency="JPY", quote_id=quotes[1], customer_id=uuid4()),
        ]
        await shop.place(good)
        await shop.reaches(good, "captured")
        await shop.place(*wrong)

        async def buried():
            return await shop.connection.fetchval("SELECT count(*) FROM audit.dead_letters") == len(wrong)

        await until(buried)
        assert [(line.amount_minor, line.currency) for line in shop.journal(good, "capture")] == [(2_989, "JPY")]
        assert [shop.journal(order, "capture") for order in wrong] == [[]] * len(wrong)
        (kept,) = await shop.connection.fetch("SELECT id, quote_id FROM payments")
        assert (kept["id"], str(kept["quote_id"])) == (payment_id_of(good.order_id), quotes[0])
