"""Invoices and exports: what leaves the shop on paper and in spreadsheets."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from uuid import uuid4

import pytest

from shared.contracts.payments import PaymentProcessed, PaymentRefunded
from shared.identity import Principal
from tests.support.builders.orders import ADDRESS, customer, place
from tests.support.builders.placed_order import Told, rows
from tests.support.fakes.shop import shop
from tests.support.services import served, topics

pytestmark = pytest.mark.service("orders")

ADMIN = Principal(subject=str(uuid4()), roles=frozenset({"admin"}))
TODAY = datetime.now(UTC).date()


async def text(orders, path, principal):
    async with orders.http.get(orders.url + path, headers=orders.headers(principal)) as answer:
        return answer.status, answer.headers, await answer.text()


class Cells(HTMLParser):
    """The table cells of a page, and every tag and attribute it has."""

    def __init__(self):
        super().__init__()
        self.cells, self.tags, self.attributes, self._open = [], set(), set(), False

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag in {"td", "th"}:
            self.cells.append("")
            self._open = True

    def handle_endtag(self, tag):
        self._open = self._open and tag not in {"td", "th"}

    def handle_data(self, data):
        if self._open:
            self.cells[-1] += data


async def test_the_invoice_of_a_paid_order_has_every_figure_exact_and_stands_alone(engines, prefix):
    async with (
        topics(engines, prefix),
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, invoice_issuer=("Shop & Sons", "VAT IE1")) as orders,
    ):
        fakes.catalog.tax_classes["B"] = "reduced"
        await orders.call("POST", "/api/v1/coupons", json={"code": "TEN", "rate_bp": 1000})
        buyer = customer()
        address = {**ADDRESS, "name": "<script>alert(1)</script>"}
        _, order = await place(orders, buyer, ("A", 2), ("B", 1), coupon="TEN", shipping_address=address)
        path = f"/api/v1/orders/{order['id']}/invoice"
        status, refused = await orders.call("GET", path, principal=buyer)
        assert (status, refused["code"]) == (409, "order_not_paid")
        told = Told(engines, prefix, orders, buyer, order, fakes)
        await told.tell(PaymentProcessed)
        await told.becomes("paid")
        status, headers, page = await text(orders, path, buyer)
        assert (status, headers["Content-Type"].partition(";")[0]) == (200, "text/html")
        assert headers["Content-Disposition"] == f'attachment; filename="invoice-{order["number"]}.html"'
        read = Cells()
        read.feed(page)
        # 45.50 less 4.55, of which 2.00 and 2.55; 23 % of 18.00, 13.5 % of 22.95 (3.098)
        for figure in ("45.50", "-4.55", "18.00", "22.95", "4.14", "3.10", "4.99", "53.18 EUR"):
            assert figure in read.cells, figure
        assert {"Tax 23 % on 18.00", "Tax 13.5 % on 22.95"} <= set(read.cells)
        assert order["total"]["amount"] == "53.18"
        assert "Shop &amp; Sons" in page
        assert "&lt;script&gt;" in page
        assert not {"script", "link", "img", "iframe"} & read.tags
        assert not {"src", "href", "onload"} & read.attributes
        await told.tell(PaymentRefunded, refunded_minor=1000, amount_minor=1000)
        await told.becomes("partially_refunded")
        assert "10.00 EUR was paid back" in (await text(orders, path, ADMIN))[2]


async def test_an_export_has_one_line_per_order_and_no_cell_that_a_spreadsheet_computes(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        evil = '=HYPERLINK("http://x.example";"pay")'
        mine = (await place(orders, buyer, ("A", 2), shipping_address={**ADDRESS, "name": evil}))[1]
        other = (await place(orders, customer(), ("B", 1), shipping_address={**ADDRESS, "name": "-1+1"}))[1]
        path = f"/api/v1/orders/export?since={TODAY - timedelta(days=1)}&until={TODAY + timedelta(days=1)}"
        status, headers, own = await text(orders, path, buyer)
        assert (status, headers["Content-Type"].partition(";")[0]) == (200, "text/csv")
        (line,) = csv.DictReader(io.StringIO(own))
        assert (line["number"], line["name"]) == (mine["number"], f"'{evil}")
        sums = [Decimal(line[part]) for part in ("subtotal", "tax", "shipping", "total")]
        assert sums == [Decimal(mine[part]["amount"]) for part in ("subtotal", "tax", "shipping", "total")]
        _, _, everyone = await text(orders, path, ADMIN)
        lines = list(csv.DictReader(io.StringIO(everyone)))
        assert [line["id"] for line in lines] == [mine["id"], other["id"]]
        for line in lines:
            assert not any(re.match(r"[=+@\t\r-]", cell) for cell in line.values())


async def test_an_export_longer_than_one_read_has_every_order_once(engines, prefix, monkeypatch):
    monkeypatch.setattr("svc.orders.api.export.ROWS_AT_ONCE", 2)
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        placed = [(await place(orders, customer(), ("A", 1)))[1]["id"] for _ in range(5)]
        await rows(orders.settings.database_url, "UPDATE orders SET placed_at = '2026-03-31T23:59:59.5Z'")
        _, _, written = await text(orders, "/api/v1/orders/export?since=2026-03-31&until=2026-03-31", ADMIN)
        assert sorted(line["id"] for line in csv.DictReader(io.StringIO(written))) == sorted(placed)
        _, _, after = await text(orders, "/api/v1/orders/export?since=2026-04-01&until=2026-04-01", ADMIN)
        assert list(csv.DictReader(io.StringIO(after))) == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("since=2026-01-02&until=2026-01-01", 422),
        ("since=2025-01-01&until=2026-01-02", 422),
        ("since=2026-01-01", 400),
        ("since=x&until=2026-01-01", 400),
        ("since=0001-01-01&until=0001-01-02", 400),
    ],
)
async def test_an_export_of_no_period_is_refused(engines, prefix, query, status):
    async with served(engines, "orders", prefix=prefix, role="api") as orders:
        assert (await orders.call("GET", f"/api/v1/orders/export?{query}", principal=customer()))[0] == status
