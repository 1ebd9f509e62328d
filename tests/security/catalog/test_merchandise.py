"""Who may set prices for a while, move categories, bring feeds and warm pages, and what a hostile feed comes to."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from shared.identity import Principal
from svc.catalog.api.feed_rows import ROW_BYTES_MAX
from tests.support.cataloguing import ADMIN, CUSTOMER, OTHER_SELLER, SELLER, created, events, imported, item
from tests.support.services import served

pytestmark = pytest.mark.service("catalog")

SUPPORT = Principal(subject=str(uuid4()), roles=frozenset({"support"}))


def _window(sku="RED", amount="0.01"):
    now = datetime.now(UTC)
    return {
        "sku": sku,
        "price": {"amount": amount, "currency": "EUR"},
        "valid_from": (now + timedelta(hours=1)).isoformat(),
        "valid_until": (now + timedelta(hours=2)).isoformat(),
    }


async def _bring(catalog, body, *, form="jsonl", import_id=None, **more):
    return await catalog.call("PUT", f"/api/v1/product-imports/{import_id or uuid4()}?form={form}", data=body, **more)


async def _errors(catalog, import_id, principal=ADMIN):
    _, page = await catalog.call("GET", f"/api/v1/product-imports/{import_id}/errors", principal=principal)
    return [error["code"] for error in page["items"]]


async def test_nobody_sets_or_sees_the_prices_to_come_of_anothers_goods(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog, SELLER)
        path = f"/api/v1/products/{product['id']}/price-windows"
        _, window = await catalog.call("POST", path, principal=SELLER, json=_window())
        asked = (("POST", path, {"json": _window()}), ("GET", path, {}), ("DELETE", f"{path}/{window['id']}", {}))
        for method, where, more in asked:
            status, refused = await catalog.call(method, where, principal=OTHER_SELLER, **more)
            assert (status, refused["code"]) == (404, "unknown_product")
            for principal in (CUSTOMER, SUPPORT):
                assert (await catalog.call(method, where, principal=principal, **more))[0] == 403
            assert (await catalog.call(method, where, anonymous=True, **more))[0] == 401
        _, page = await catalog.call("GET", path, principal=SELLER)
        assert [one["id"] for one in page["items"]] == [window["id"]]


async def test_a_window_reaches_no_variant_of_another_product(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog, SELLER)
        await imported(catalog, item("theirs", sku="THEIRS", seller_id=OTHER_SELLER.subject))
        path = f"/api/v1/products/{product['id']}/price-windows"
        status, refused = await catalog.call("POST", path, principal=SELLER, json=_window("THEIRS"))
        assert (status, refused["code"]) == (404, "unknown_variant")
        _, theirs = await catalog.call("GET", "/api/v1/products/theirs")
        other = f"/api/v1/products/{theirs['id']}/price-windows"
        _, window = await catalog.call("POST", other, json=_window("THEIRS"))
        assert (await catalog.call("DELETE", f"{path}/{window['id']}", principal=SELLER))[0] == 404
        assert len((await catalog.call("GET", other))[1]["items"]) == 1


@pytest.mark.parametrize("field", ["id", "state", "created_by", "price_minor"])
async def test_a_window_names_nothing_that_is_not_its_editors_to_say(engines, prefix, field):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog)
        path = f"/api/v1/products/{product['id']}/price-windows"
        status, refused = await catalog.call("POST", path, json={**_window(), field: "x"})
        assert (status, refused["errors"][0]["field"]) == (400, field)


async def test_categories_are_moved_by_staff_alone(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item())
        wish = {"path": "kitchen/mugs", "to": "mugs"}
        for principal in (CUSTOMER, SELLER, SUPPORT):
            assert (await catalog.call("POST", "/api/v1/categories/move", principal=principal, json=wish))[0] == 403
        assert (await catalog.call("POST", "/api/v1/categories/move", anonymous=True, json=wish))[0] == 401
        assert (await catalog.call("POST", "/api/v1/categories/move", principal=ADMIN, json=wish))[0] == 200


@pytest.mark.parametrize("path", ["%", "kitchen/_", "kitchen/%", "../kitchen", "kitchen//mugs", "kitchen' OR '1'='1"])
async def test_a_moved_path_is_a_path_and_no_pattern(engines, prefix, path):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item(), item("desk", category="office"))
        for wish in ({"path": path, "to": "away"}, {"path": "kitchen", "to": path}):
            status, refused = await catalog.call("POST", "/api/v1/categories/move", json=wish)
            assert (status, refused["code"]) == (400, "invalid_body")


async def test_a_feed_takes_over_no_goods_of_another_seller(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item("theirs", sku="THEIRS", seller_id=OTHER_SELLER.subject))
        told = await events(catalog)
        import_id = uuid4()
        rows = [item("theirs", sku="MINE"), item("mine", sku="THEIRS"), item("own", seller_id=OTHER_SELLER.subject)]
        body = b"\n".join(msgspec.json.encode(row) for row in rows)
        _, feed = await _bring(catalog, body, import_id=import_id, principal=SELLER)
        assert (feed["created"], feed["updated"], feed["failed"]) == (0, 0, 3)
        assert await _errors(catalog, import_id, SELLER) == ["slug_taken", "sku_taken", "seller_mismatch"]
        assert await events(catalog) == told


@pytest.mark.parametrize("field", ["approved", "is_featured", "cost_minor", "version", "id", "views"])
async def test_a_row_of_a_feed_sets_no_field_of_the_staffs(engines, prefix, field):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        import_id = uuid4()
        body = msgspec.json.encode({**item("mine"), field: 1})
        _, feed = await _bring(catalog, body, import_id=import_id, principal=SELLER)
        assert (feed["created"], feed["failed"]) == (0, 1)
        assert await _errors(catalog, import_id, SELLER) == ["invalid_row"]


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("jsonl", b"{" * (ROW_BYTES_MAX + 1)),
        ("csv", b'slug,title,category,sku,price_minor\n"' + b"x" * (ROW_BYTES_MAX + 1)),
        ("csv", b"slug,title,category,sku,price_minor,approved\n"),
        ("csv", b"slug,slug,title,category,sku,price_minor\n"),
        ("jsonl", b"\xff\xfe{}\n"),
    ],
)
async def test_a_body_that_is_no_feed_is_refused_whole_and_held_in_no_memory(engines, prefix, form, body):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        status, refused = await _bring(catalog, body, form=form)
        assert (status, refused["code"]) == (400, "invalid_feed")
        assert await events(catalog) == []


@pytest.mark.parametrize(
    "row",
    [
        b'{"slug": "a", "slug": "b"',
        b"[" * 20_000,
        b'{"slug": "\\u0000"}',
        b'{"slug": "nan", "title": "t", "category": "c", "variants": [{"sku": "S", "price_minor": NaN}]}',
        b'{"slug": "big", "title": "t", "category": "c", "variants": [{"sku": "S", "price_minor": 1e400}]}',
        b'{"slug": "minus", "title": "t", "category": "c", "variants": [{"sku": "S", "price_minor": -1}]}',
    ],
)
async def test_a_hostile_row_is_one_row_with_an_error(engines, prefix, row):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        import_id = uuid4()
        body = row + b"\n" + msgspec.json.encode(item("honest"))
        status, feed = await _bring(catalog, body, import_id=import_id)
        assert (status, feed["created"], feed["failed"]) == (200, 1, 1)
        assert await _errors(catalog, import_id) in (["invalid_row"], ["unreadable_row"])


async def test_a_warm_up_is_asked_for_by_services_alone(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        wish = {"event": "sale", "product_ids": [str(uuid4())]}
        for principal in (CUSTOMER, SELLER, ADMIN):
            assert (await catalog.call("POST", "/internal/warm-up", principal=principal, json=wish))[0] == 403
        assert (await catalog.call("POST", "/internal/warm-up", anonymous=True, json=wish))[0] == 401
        status, refused = await catalog.call("POST", "/internal/warm-up", json={**wish, "product_ids": []})
        assert (status, refused["code"]) == (400, "invalid_body")
