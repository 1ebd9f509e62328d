"""What stock and sales do to documents, however often, however late and in whatever order they are told."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from shared.contracts import encode
from shared.contracts.catalog import ProductUpserted, VariantFact
from shared.contracts.inventory import InventoryReserved, StockAdjusted
from shared.contracts.orders import OrderCancelled, OrderPaid
from shared.contracts.values import Address, OrderLine, StockLine
from shared.kafka_producer import Message, Producer
from tests.support.rows import database_for
from tests.support.services import envelope, publish, served, topics, until

pytestmark = pytest.mark.service("search")

PRODUCT = uuid4()


class FakeCatalog:
    """Nobody looks at anything."""

    def __init__(self, client):
        del client

    async def most_viewed(self):
        return {}


class FakeStock:
    """Inventory; `asked` counts questions."""

    left = 9
    asked = 0

    def __init__(self, client):
        del client

    async def available(self, skus):
        FakeStock.asked += 1
        return dict.fromkeys(skus, FakeStock.left)


@asynccontextmanager
async def told_of(engines, prefix):
    """Search that knows one lamp, and its database."""
    FakeStock.left, FakeStock.asked = 9, 0
    quick = {"stock_look_s": 0.1, "rank_s": 0.1, "index_interval_s": 0.1}
    async with (
        topics(engines, prefix),
        served(engines, "search", prefix=prefix, parts={"stock": FakeStock, "catalog": FakeCatalog}, **quick) as search,
        database_for(search) as database,
    ):
        await publish(engines, prefix, envelope(_lamp(), PRODUCT, 1))

        async def row(statement, *values):
            async with database.acquire() as connection:
                return await connection.fetchrow(statement, *values)

        await until(lambda: row("SELECT 1 FROM documents WHERE indexed_version = 1"))
        yield row


def _lamp():
    return ProductUpserted(
        product_id=PRODUCT, slug="lamp", title="Lamp", description="", category="home", status="active",
        variants=[VariantFact(sku="L", options={}, price_minor=100, currency="EUR")],
    )  # fmt: skip


def _adjusted():
    return StockAdjusted(sku="L", warehouse="main", on_hand=1, available=1, quantity=1)


def _order(kind, order_id, **more):
    line = OrderLine(sku="L", product_id=PRODUCT, title="Lamp", quantity=2, unit_price_minor=1, line_total_minor=2)
    return kind(
        order_id=order_id, order_number="SO-1", customer_id=uuid4(), email="a@example.com", currency="EUR",
        total_minor=2, lines=[line, line], **more,
    )  # fmt: skip


def _paid(order_id):
    address = Address(name="A", line1="1", city="C", postal_code="1", country="DE")
    return _order(OrderPaid, order_id, payment_id=uuid4(), shipping_address=address, shipping_method="standard")


async def _settled(row):
    return await row(
        "SELECT changes, popularity FROM documents WHERE indexed_changes = changes AND indexed_version = version"
    )


async def test_a_thousand_moves_of_one_sku_cost_few_questions_and_one_write(engines, prefix, indexes):
    async with told_of(engines, prefix) as row:
        await publish(engines, prefix, *(envelope(_adjusted(), "main/L", n) for n in range(1, 1_001)))
        heard = "SELECT 1 FROM inbox WHERE type = 'stock.adjusted' HAVING count(*) = 1000"
        await until(lambda: row(heard))
        await until(lambda: row("SELECT 1 FROM stock_seen WHERE seen = marks"))
        assert FakeStock.asked < 100
        assert tuple(await until(lambda: _settled(row))) == (1, 0)


async def test_only_a_turn_of_the_badge_writes_the_document(engines, prefix, indexes):
    async with told_of(engines, prefix) as row:
        for version, (left, changes) in enumerate([(9, 1), (8, 1), (3, 2), (0, 3), (0, 3), (7, 4)], start=1):
            FakeStock.left = left
            event = envelope(_adjusted(), "main/L", version)
            await publish(engines, prefix, event, event)
            await until(lambda left=left: row("SELECT 1 FROM stock_seen WHERE seen = marks AND available = $1", left))
            await until(lambda event=event: row("SELECT 1 FROM inbox WHERE event_id = $1", event.id))
            await until(lambda: row("SELECT 1 FROM stock_seen WHERE seen = marks"))
            assert (await until(lambda: _settled(row)))["changes"] == changes, left


async def test_a_hold_of_a_sku_nobody_sells_is_remembered_until_its_product_comes(engines, prefix, indexes):
    held = InventoryReserved(
        reservation_id=uuid4(), order_id=uuid4(), customer_id=uuid4(),
        expires_at=datetime.now(UTC) + timedelta(minutes=5),
        lines=[StockLine(sku="UNKNOWN", quantity=1, warehouse="main")],
    )  # fmt: skip
    async with told_of(engines, prefix) as row:
        await publish(engines, prefix, envelope(held, held.order_id, 1))
        await until(lambda: row("SELECT 1 FROM stock_seen WHERE sku = 'UNKNOWN' AND available = 9"))
        assert (await until(lambda: _settled(row)))["changes"] == 0


async def test_an_order_is_a_sale_once_and_none_when_it_is_off_in_whatever_order(engines, prefix, indexes):
    one, off, early = uuid4(), uuid4(), uuid4()
    async with told_of(engines, prefix) as row:
        paid = envelope(_paid(one), one, 2)
        cancelled = envelope(_order(OrderCancelled, early, reason="x"), early, 3)
        await publish(
            engines, prefix, paid, paid, envelope(_paid(off), off, 2), cancelled, envelope(_paid(early), early, 2),
            envelope(_order(OrderCancelled, off, reason="x"), off, 3), paid,
        )  # fmt: skip
        await until(lambda: row("SELECT 1 FROM sales WHERE cancelled HAVING count(*) = 2"))
        sold = await row("SELECT count(*) FILTER (WHERE paid AND NOT cancelled) AS sold, count(*) AS known FROM sales")
        assert tuple(sold) == (1, 3)
        alone = 9  # 4 × ln(11), rounded down
        await until(lambda: row("SELECT 1 FROM documents WHERE popularity = $1 AND indexed_changes = changes", alone))


async def test_broken_and_newer_moves_and_sales_are_set_aside_and_the_next_is_heard(engines, prefix, indexes):
    order = uuid4()
    async with told_of(engines, prefix) as row:
        newer = msgspec.structs.replace(envelope(_adjusted(), "main/X", 1), version=99)
        broken = encode(envelope(_paid(order), order, 2)).replace(b'"lines"', b'"lanes"')
        producer = Producer(engines.kafka, client_id="test", prefix=prefix)
        try:
            await producer.send(
                [
                    Message("inventory.events", "main/X", encode(newer)),
                    Message("orders.events", str(order), broken),
                    Message("orders.events", "none", b"\xff"),
                ]
            )
        finally:
            await producer.close()
        await publish(engines, prefix, envelope(_adjusted(), "main/L", 1), envelope(_paid(uuid4()), uuid4(), 2))
        await until(lambda: row("SELECT 1 FROM stock_seen WHERE sku = 'L' AND seen = marks"))
        await until(lambda: row("SELECT 1 FROM sales HAVING count(*) = 1"))
        letters = await row("SELECT array_agg(reason ORDER BY reason) AS reasons FROM dead_letters")
        assert letters["reasons"] == ["invalid_data", "newer_version", "undecodable"]
