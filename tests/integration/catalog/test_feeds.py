"""Feeds: streamed, each row with its own outcome, resumed under their id."""

from uuid import uuid4

import msgspec
import pytest

from tests.support.cataloguing import OTHER_SELLER, SELLER, imported, item
from tests.support.services import served

pytestmark = pytest.mark.service("catalog")


def _lines(*items):
    return b"\n".join(msgspec.json.encode(one) for one in items)


async def _bring(catalog, body, import_id=None, form="jsonl", **more):
    path = f"/api/v1/product-imports/{import_id or uuid4()}?form={form}"
    return await catalog.call("PUT", path, data=body, **more)


async def test_each_row_has_its_own_outcome_and_a_bad_one_holds_up_no_other(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item("owner", sku="TAKEN"))
        rows = [
            item("one"), {**item("two"), "tax_class": "half"}, item("thief", sku="TAKEN"), {"slug": "bare"},
            item("one"), item("three"),
        ]  # fmt: skip
        import_id = uuid4()
        status, feed = await _bring(catalog, _lines(*rows) + b"\n{not json\n", import_id)
        assert status == 200, feed
        assert (feed["status"], feed["rows_done"], feed["created"], feed["failed"]) == ("completed", 7, 2, 5)
        _, errors = await catalog.call("GET", f"/api/v1/product-imports/{import_id}/errors")
        assert [(error["row_number"], error["code"]) for error in errors["items"]] == [
            (2, "unknown_tax_class"), (3, "sku_taken"), (4, "invalid_row"), (5, "slug_repeated"), (7, "unreadable_row"),
        ]  # fmt: skip
        assert (await catalog.call("GET", "/api/v1/products/three"))[0] == 200


async def test_a_feed_that_broke_off_goes_on_behind_its_last_row(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        goods = [item(f"mug-{number}") for number in range(450)]
        import_id = uuid4()

        async def broken():
            yield _lines(*goods[:250]) + b"\n"
            yield b'{"slug": "\xff\xff"}\n'

        status, refused = await _bring(catalog, broken(), import_id)
        assert (status, refused["code"]) == (400, "invalid_feed")
        _, feed = await catalog.call("GET", f"/api/v1/product-imports/{import_id}")
        assert (feed["status"], feed["rows_done"], feed["created"]) == ("open", 200, 200)
        _, feed = await _bring(catalog, _lines(*goods), import_id)
        assert (feed["status"], feed["rows_done"], feed["created"], feed["unchanged"]) == ("completed", 450, 450, 0)
        assert (await _bring(catalog, _lines(*goods), import_id))[1] == feed


async def test_a_csv_feed_reads_quotes_options_and_attributes(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        text = (
            "slug,title,description,category,sku,price_minor,options,attributes\r\n"
            'cup,"A ""fine"" cup","two\nlines",kitchen,CUP,450,size=l;colour=red,material=clay\r\n'
            "bad,Bad,,kitchen,BAD,4.50,,\r\n"
        )
        status, feed = await _bring(catalog, text.encode(), form="csv")
        assert (status, feed["created"], feed["failed"]) == (200, 1, 1), feed
        _, cup = await catalog.call("GET", "/api/v1/products/cup")
        assert (cup["title"], cup["description"], cup["attributes"]) == (
            'A "fine" cup',
            "two\nlines",
            {"material": "clay"},
        )
        assert cup["variants"][0]["options"] == {"size": "l", "colour": "red"}
        status, refused = await _bring(catalog, b"slug,nonsense\n", form="csv")
        assert (status, refused["code"], refused["unknown"]) == (400, "invalid_feed", ["nonsense"])


async def test_a_sellers_feed_brings_their_own_goods_and_waits_for_approval(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item("theirs", seller_id=OTHER_SELLER.subject))
        import_id = uuid4()
        rows = _lines(item("mine"), item("theirs"), item("forged", seller_id=OTHER_SELLER.subject))
        status, feed = await _bring(catalog, rows, import_id, principal=SELLER)
        assert (status, feed["created"], feed["failed"]) == (200, 1, 2)
        _, errors = await catalog.call("GET", f"/api/v1/product-imports/{import_id}/errors", principal=SELLER)
        assert [error["code"] for error in errors["items"]] == ["slug_taken", "seller_mismatch"]
        assert (await catalog.call("GET", "/api/v1/products/mine", anonymous=True))[0] == 404
        assert (await catalog.call("GET", f"/api/v1/product-imports/{import_id}", principal=OTHER_SELLER))[0] == 404
        assert (await _bring(catalog, rows, import_id, principal=OTHER_SELLER))[0] == 404
