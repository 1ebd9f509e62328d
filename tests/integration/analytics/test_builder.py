"""Reports of people's own: what they compute, how they are kept, and their way out."""

import asyncio
import csv
import io
import json
from contextlib import asynccontextmanager
from datetime import timedelta
from fractions import Fraction
from random import Random
from uuid import uuid4

import pytest

from tests.support.builders.shop_events import NOON, Order
from tests.support.reporting import record, settle
from tests.support.rows import database_for
from tests.support.services import served
from tests.support.statements import API_ONLY

pytestmark = pytest.mark.service("analytics")

PERIOD = {"since": "2026-01-01", "until": "2026-01-31"}
IN_JANUARY = "since=2026-01-01&until=2026-01-31"
NET = {
    "dataset": "revenue", "group_by": ["day", "currency"], "order_by": "net", "descending": True,
    "columns": [{"name": "net", "expression": "paid - refunded"}, {"name": "each", "expression": "paid / payments"}],
}  # fmt: skip


@asynccontextmanager
async def filled(engines, prefix, *told):
    """The service without its jobs, over figures of these events."""
    async with served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics:
        async with database_for(analytics) as database:
            await record(database, *told)
            await settle(database)
        yield analytics


async def _ask(analytics, report, **period):
    return await analytics.call("POST", "/api/v1/reports/query", json={"report": report, **(period or PERIOD)})


async def _save(analytics, name, report):
    status, saved = await analytics.call("POST", "/api/v1/reports/saved", json={"name": name, "report": report})
    assert status == 201, saved
    return saved


def _orders():
    """Two days, two currencies; 10.00 + 15.01 - 0.50 EUR, 7 JPY, and 3.00 EUR on the next day."""
    first, second, yen = Order(total_minor=1_000), Order(total_minor=1_501), Order(total_minor=7, currency="JPY")
    later = Order(total_minor=300, at=NOON + timedelta(days=1))
    return [first.captured(), second.captured(), second.refunded(50), yen.captured(), later.captured()]


async def test_a_report_computes_what_it_says_to_the_cent(engines, prefix):
    async with filled(engines, prefix, *_orders()) as analytics:
        status, answer = await _ask(analytics, NET)
        assert (status, answer["columns"], answer["more"]) == (200, ["day", "currency", "net", "each"], False)
        assert answer["rows"] == [
            ["2026-01-02", "EUR", "24.51", "12.51"], ["2026-01-03", "EUR", "3.00", "3.00"],
            ["2026-01-02", "JPY", "7", "7"],
        ]  # fmt: skip
        assert answer["events_behind"] == 0


@pytest.mark.parametrize(
    ("more", "days"),
    [
        ({"where": "currency = 'EUR'"}, ["2026-01-02", "2026-01-03"]),
        ({"where": "not currency in ('EUR', 'USD')"}, ["2026-01-02"]),
        ({"where": "day > '2026-01-02'"}, ["2026-01-03"]),
        ({"having": "paid > 5"}, ["2026-01-02", "2026-01-02"]),  # of the yen's units, too
        ({"having": "paid >= 25.01"}, ["2026-01-02"]),
        ({"having": "refunded / paid > 0.01 and payments = 2"}, ["2026-01-02"]),
        ({"having": "paid / (payments - payments) > 0"}, []),
    ],
)
async def test_conditions_choose_rows_before_and_after_the_sum(engines, prefix, more, days):
    async with filled(engines, prefix, *_orders()) as analytics:
        status, answer = await _ask(analytics, NET | more | {"order_by": "day", "descending": False})
        assert (status, [row[0] for row in answer["rows"]]) == (200, days)


@pytest.mark.parametrize(
    ("dataset", "groups", "column", "expected"),
    [
        ("orders", ["status", "currency", "country"], "total + paid", [["completed", "EUR", "IE", "60.00"]]),
        ("products", ["sku", "currency"], "revenue / units", [["SKU-1", "EUR", "15.00"]]),
        ("stock", ["warehouse"], "received - sold + returned", [["main", -2]]),
        ("checkouts", [], "completed / held", [["1.0000"]]),
        ("customers", ["month", "currency"], "paid / orders", [["2026-01-01", "EUR", "30.00"]]),
        ("refunds", ["reason"], "refunds + failed", []),
    ],
)
async def test_every_data_set_can_be_asked(engines, prefix, dataset, groups, column, expected):
    async with filled(engines, prefix, *Order(units=2).fulfilled()) as analytics:
        report = {"dataset": dataset, "group_by": groups, "columns": [{"name": "it", "expression": column}]}
        status, answer = await _ask(analytics, report)
        assert (status, answer["rows"]) == (200, expected)


FIGURES = {"payments": Fraction(3), "paid": Fraction(30_07), "refunded": Fraction(501)}


def _expression(chance, depth, *, money):
    """Text and exact value of an expression over payments, paid and refunded (in cents), written at random."""
    if depth == 0:
        if money:
            name = chance.choice(["paid", "refunded"])
            return name, FIGURES[name]
        number = chance.choice([f"{chance.randrange(100)}", f"{chance.randrange(1_000)}.{chance.randrange(1_000)}"])
        return chance.choice([("payments", FIGURES["payments"]), (number, Fraction(number))])
    sign = chance.choice("+-*/")
    left, one = _expression(chance, depth - 1, money=money)
    right, other = _expression(chance, depth - 1, money=money and sign in "+-")
    if sign == "/" and other == 0:
        return left, one
    value = {"+": one + other, "-": one - other, "*": one * other, "/": one / (other or 1)}[sign]
    return (f"({left} {sign} {right})", value) if chance.random() < 0.9 else (f"-({left} {sign} {right})", -value)


async def test_what_the_database_computes_is_what_exact_fractions_say(engines, prefix):
    """A hundred expressions written at random against an arithmetic of another make."""
    chance = Random(12)
    order, second, third = Order(total_minor=1_000), Order(total_minor=1_001), Order(total_minor=1_006)
    told = [order.captured(), second.captured(), third.captured(), third.refunded(501)]
    async with filled(engines, prefix, *told) as analytics:
        for _ in range(10):
            written = [_expression(chance, chance.randint(1, 3), money=number % 2 == 0) for number in range(10)]
            columns = [{"name": f"c{place}", "expression": text} for place, (text, _) in enumerate(written)]
            status, answer = await _ask(analytics, {"dataset": "revenue", "group_by": ["currency"], "columns": columns})
            assert status == 200, answer
            for (text, value), shown in zip(written, answer["rows"][0][1:], strict=True):
                assert _close(Fraction(str(shown)), value, money="paid" in text or "refunded" in text), text


def _close(shown, value, *, money):
    """Within one unit of the last digit shown: the database rounds at its sixteenth, then there."""
    return abs(shown - (value / 100 if money else value)) <= Fraction(1, 100 if money else 10_000)


async def test_half_a_cent_is_rounded_away_from_nothing(engines, prefix):
    order = Order(total_minor=1)
    async with filled(engines, prefix, order.captured()) as analytics:
        columns = [{"name": "a", "expression": "paid / 2"}, {"name": "b", "expression": "-paid / 2"}]
        _, answer = await _ask(analytics, {"dataset": "revenue", "group_by": ["currency"], "columns": columns})
        assert answer["rows"] == [["EUR", "0.01", "-0.01"]]


async def test_a_refused_expression_is_told_where(engines, prefix):
    async with filled(engines, prefix) as analytics:
        for broken, position in (("paid - ", 7), ("paid; DROP TABLE events", 4), ("x" * 501, 500)):
            report = NET | {"columns": [{"name": "net", "expression": broken}]}
            status, problem = await _ask(analytics, report)
            assert (status, problem["code"], problem["field"], problem["position"]) == (
                422, "invalid_expression", "columns[0].expression", position,
            )  # fmt: skip


async def test_saved_reports_are_listed_by_name_and_a_name_is_taken_once(engines, prefix):
    async with filled(engines, prefix) as analytics:
        saved = [await _save(analytics, name, NET) for name in ("b", "a", "C")]
        first = (await analytics.call("GET", "/api/v1/reports/saved?limit=2"))[1]
        assert [one["name"] for one in first["items"]] == ["C", "a"]
        rest = (await analytics.call("GET", f"/api/v1/reports/saved?cursor={first['next_cursor']}"))[1]
        assert ([one["name"] for one in rest["items"]], rest["next_cursor"]) == (["b"], None)
        status, problem = await analytics.call("POST", "/api/v1/reports/saved", json={"name": "a", "report": NET})
        assert (status, problem["code"]) == (409, "report_name_taken")
        target = f"/api/v1/reports/saved/{saved[0]['id']}"
        assert (await analytics.call("GET", target))[1] == saved[0]
        assert [(await analytics.call("DELETE", target))[0] for _ in range(2)] == [204, 404]
        assert (await analytics.call("GET", target))[0] == 404


async def test_a_report_that_is_not_understood_is_not_saved(engines, prefix):
    async with filled(engines, prefix) as analytics:
        broken = NET | {"where": "1"}
        status, problem = await analytics.call("POST", "/api/v1/reports/saved", json={"name": "a", "report": broken})
        assert (status, problem["code"]) == (422, "invalid_expression")
        assert (await analytics.call("GET", "/api/v1/reports/saved"))[1]["items"] == []


async def _exported(analytics, report_id, wanted="csv"):
    target = f"{analytics.url}/api/v1/reports/saved/{report_id}/export?format={wanted}&{IN_JANUARY}"
    async with analytics.http.get(target, headers=analytics.headers()) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_an_export_has_the_same_rows_as_csv_and_as_json(engines, prefix):
    async with filled(engines, prefix, *_orders()) as analytics:
        saved = await _save(analytics, "net", NET)
        status, headers, body = await _exported(analytics, saved["id"])
        assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
        assert headers["Content-Disposition"] == 'attachment; filename="report.csv"'
        lines = list(csv.reader(io.StringIO(body.decode(), newline="")))
        status, headers, body = await _exported(analytics, saved["id"], "json")
        assert (status, headers["Content-Type"]) == (200, "application/json")
        document = json.loads(body)
        assert lines == [document["columns"], *document["rows"]]
        assert len(lines) == 4


async def test_an_export_of_nothing_is_whole(engines, prefix):
    async with filled(engines, prefix) as analytics:
        saved = await _save(analytics, "net", NET)
        assert (await _exported(analytics, saved["id"]))[2] == b'"day","currency","net","each"\r\n'
        assert json.loads((await _exported(analytics, saved["id"], "json"))[2])["rows"] == []
        assert (await _exported(analytics, uuid4()))[0] == 404


PER_SKU = {"dataset": "stock", "group_by": ["sku"], "columns": [{"name": "sold", "expression": "sold"}]}


async def _many_skus(analytics, count, *, characters=0):
    async with database_for(analytics) as database, database.acquire() as connection:
        await connection.execute(
            "INSERT INTO stock_daily SELECT 1, '2026-01-02', 'SKU-' || n || repeat('x', $2), 'main', 0, n, 0 "
            "FROM generate_series(1, $1) n",
            count,
            characters,
        )


async def test_a_large_export_is_read_and_sent_in_chunks(engines, prefix):
    async with filled(engines, prefix) as analytics:
        await _many_skus(analytics, 2_500)
        saved = await _save(analytics, "skus", PER_SKU)
        for wanted in ("csv", "json"):
            target = f"{analytics.url}/api/v1/reports/saved/{saved['id']}/export?format={wanted}&{IN_JANUARY}"
            async with analytics.http.get(target, headers=analytics.headers()) as answer:
                assert answer.headers.get("Transfer-Encoding") == "chunked"
                body = await answer.read()
            assert body.count(b"SKU-") == 2_500
        assert len(json.loads(body)["rows"]) == 2_500
        status, answer = await _ask(analytics, PER_SKU)
        assert (status, len(answer["rows"]), answer["more"]) == (200, 1_000, True)


async def test_an_export_that_is_too_large_is_refused_before_its_first_byte(engines, prefix, monkeypatch):
    monkeypatch.setattr("svc.analytics.api.exports.EXPORT_ROWS_MAX", 2)
    async with filled(engines, prefix) as analytics:
        saved = await _save(analytics, "skus", PER_SKU)
        await _many_skus(analytics, 2)
        assert (await _exported(analytics, saved["id"]))[0] == 200
        async with database_for(analytics) as database, database.acquire() as connection:
            await connection.execute("INSERT INTO stock_daily VALUES (1, '2026-01-02', 'MORE', 'main', 0, 1, 0)")
        status, _, body = await _exported(analytics, saved["id"])
        assert (status, json.loads(body)["code"]) == (422, "report_too_large")


async def test_exports_beyond_those_that_may_run_at_once_are_told_to_come_again_and_places_are_given_back(
    engines, prefix
):
    async with filled(engines, prefix) as analytics:
        saved = await _save(analytics, "skus", PER_SKU)
        await _many_skus(analytics, 60_000, characters=400)  # more than sockets hold
        target = f"{analytics.url}/api/v1/reports/saved/{saved['id']}/export?{IN_JANUARY}"
        held = [await analytics.http.get(target, headers=analytics.headers()) for _ in range(2)]  # nobody reads on
        status, headers, body = await _exported(analytics, saved["id"])
        assert (status, json.loads(body)["code"], "Retry-After" in headers) == (429, "too_many_exports", True)
        for answer in held:
            answer.close()
        async with asyncio.timeout(20):
            while (await _exported(analytics, saved["id"]))[0] != 200:
                await asyncio.sleep(0.05)
