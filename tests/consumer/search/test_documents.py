"""Product events in any order, any number of times."""

from contextlib import asynccontextmanager
from uuid import uuid4

import msgspec
import pytest
from elasticsearch import AsyncElasticsearch

from scenarios.faults.former_versions import as_before
from shared.contracts import decode_header, encode
from shared.contracts.catalog import PriceChanged, PriceFact, ProductDeleted, ProductUpserted, VariantFact
from shared.database import Database
from shared.kafka_producer import Message, Producer
from tests.support.services import envelope, publish, served, topics, until

pytestmark = pytest.mark.service("search")


def _upserted(product_id, title="Lamp", price_minor=100, status="active"):
    return ProductUpserted(
        product_id=product_id,
        slug="lamp",
        title=title,
        description="",
        category="home",
        status=status,
        variants=[VariantFact(sku="L", options={}, price_minor=price_minor, currency="EUR")],
    )


def _priced(product_id, price_minor):
    return PriceChanged(product_id=product_id, prices={"L": PriceFact(price_minor=price_minor, currency="EUR")})


@asynccontextmanager
async def _search(engines, prefix):
    async with topics(engines, prefix), served(engines, "search", prefix=prefix, index_interval_s=0.1) as search:
        database = Database(search.settings.database_url, "test")
        await database.open()
        try:
            yield database
        finally:
            await database.close()


async def _settled(database, product_id, version):
    """The document once this version of it is in the index."""

    async def look():
        async with database.acquire() as connection:
            return await connection.fetchrow(
                "SELECT version, deleted, body, indexed_version FROM documents "
                "WHERE product_id = $1 AND version = $2 AND indexed_version = $2",
                product_id,
                version,
            )

    return await until(look)


async def _applied(database, event_id):
    async def look():
        async with database.acquire() as connection:
            return await connection.fetchval("SELECT true FROM inbox WHERE event_id = $1", event_id)

    await until(look)


async def _source(engines, indexes, product_id):
    async with AsyncElasticsearch(engines.elasticsearch) as client:
        answer = await client.options(ignore_status=404).get(index=indexes, id=str(product_id))
        return answer["_source"] if answer.get("found") else None


def _prices(source):
    return [(offer["currency"], offer["price_minor"]) for offer in source["offers"]]


async def test_the_newest_version_wins_in_whatever_order_they_come(engines, prefix, indexes):
    product_id = uuid4()
    async with _search(engines, prefix) as database:
        newest = envelope(_upserted(product_id, "Newest"), product_id, 5)
        oldest = envelope(_upserted(product_id, "Oldest"), product_id, 1)
        late_price = envelope(_priced(product_id, 1), product_id, 4)
        await publish(engines, prefix, newest, oldest, late_price)
        await _applied(database, late_price.id)
        row = await _settled(database, product_id, 5)
        assert row["body"]["title"] == "Newest"
        source = await _source(engines, indexes, product_id)
        assert (source["title"], _prices(source)) == ("Newest", [("EUR", 100)])


async def test_a_price_change_changes_one_price(engines, prefix, indexes):
    product_id = uuid4()
    async with _search(engines, prefix) as database:
        first = envelope(_upserted(product_id), product_id, 1)
        await publish(engines, prefix, first, envelope(_priced(product_id, 250), product_id, 2))
        await _settled(database, product_id, 2)
        assert _prices(await _source(engines, indexes, product_id)) == [("EUR", 250)]


async def test_prices_are_changed_alike_by_a_release_that_told_each_on_its_own(engines, prefix, indexes):
    product_id = uuid4()
    lamp = _upserted(product_id)
    lamp = msgspec.structs.replace(lamp, variants=[msgspec.structs.replace(lamp.variants[0], sku=sku) for sku in "LMS"])
    both = {"L": PriceFact(price_minor=250, currency="EUR"), "M": PriceFact(price_minor=350, currency="EUR")}
    async with _search(engines, prefix) as database:
        await publish(
            engines,
            prefix,
            envelope(lamp, product_id, 1),
            envelope(PriceChanged(product_id=product_id, prices=both), product_id, 2),
        )
        producer = Producer(engines.kafka, client_id="test", prefix=prefix)
        try:
            former = as_before(encode(envelope(_priced(product_id, 450), product_id, 3)))
            assert decode_header(former).version == 1
            await producer.send([Message("catalog.events", str(product_id), former)])
        finally:
            await producer.close()
        row = await _settled(database, product_id, 3)
        prices = {variant["sku"]: variant["price_minor"] for variant in row["body"]["variants"]}
        assert prices == {"L": 450, "M": 350, "S": 100}


async def test_the_same_event_three_times_is_applied_once(engines, prefix, indexes):
    product_id = uuid4()
    async with _search(engines, prefix) as database:
        event = envelope(_upserted(product_id), product_id, 1)
        await publish(engines, prefix, event, event, event)
        await publish(engines, prefix, envelope(_priced(product_id, 7), product_id, 2), event)
        await _settled(database, product_id, 2)
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM inbox WHERE event_id = $1", event.id) == 1


async def test_a_deleted_product_stays_deleted_when_an_older_event_comes_late(engines, prefix, indexes):
    product_id = uuid4()
    async with _search(engines, prefix) as database:
        deleted = envelope(ProductDeleted(product_id=product_id), product_id, 3)
        late = envelope(_upserted(product_id), product_id, 2)
        await publish(engines, prefix, envelope(_upserted(product_id), product_id, 1), deleted, late)
        await _applied(database, late.id)
        row = await _settled(database, product_id, 3)
        assert row["deleted"]
        assert await _source(engines, indexes, product_id) is None


@pytest.mark.parametrize("status", ["draft", "archived"])
async def test_a_product_that_is_not_active_leaves_the_index(engines, prefix, indexes, status):
    product_id = uuid4()
    async with _search(engines, prefix) as database:
        await publish(engines, prefix, envelope(_upserted(product_id), product_id, 1))
        await _settled(database, product_id, 1)
        assert await _source(engines, indexes, product_id) is not None
        await publish(engines, prefix, envelope(_upserted(product_id, status=status), product_id, 2))
        await _settled(database, product_id, 2)
        assert await _source(engines, indexes, product_id) is None


async def test_poison_is_buried_and_the_next_product_is_found(engines, prefix, indexes):
    bad, good = uuid4(), uuid4()
    async with _search(engines, prefix) as database:
        newer = msgspec.structs.replace(envelope(_upserted(bad), bad, 1), version=99)
        producer = Producer(engines.kafka, client_id="test", prefix=prefix)
        try:
            await producer.send(
                [
                    Message("catalog.events", str(bad), b"\xff{not json"),
                    Message("catalog.events", str(bad), encode(newer)),
                    Message("catalog.events", str(good), encode(envelope(_upserted(good), good, 1))),
                ]
            )
        finally:
            await producer.close()
        await _settled(database, good, 1)
        async with database.acquire() as connection:
            rows = await connection.fetch("SELECT reason FROM dead_letters ORDER BY offset_")
        assert [row["reason"] for row in rows] == ["undecodable", "newer_version"]


async def test_a_document_the_engine_refuses_does_not_block_the_others(engines, prefix, indexes):
    bad, good = uuid4(), uuid4()
    async with _search(engines, prefix) as database:
        huge = _upserted(bad, price_minor=2**63 + 5)
        await publish(engines, prefix, envelope(huge, bad, 1), envelope(_upserted(good), good, 1))
        await _settled(database, good, 1)
        assert await _source(engines, indexes, good) is not None
