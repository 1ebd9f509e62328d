import asyncio
from uuid import uuid4

import pytest

from shared.database import Database
from shared.identity import Principal
from tests.services import served

pytestmark = pytest.mark.service("catalog")

SELLER = Principal(subject=str(uuid4()), roles=frozenset({"seller"}))
OTHER_SELLER = Principal(subject=str(uuid4()), roles=frozenset({"seller"}))
CUSTOMER = Principal(subject=str(uuid4()), roles=frozenset({"customer"}))
ADMIN = Principal(subject=str(uuid4()), roles=frozenset({"admin"}))


def _item(slug="blue-mug", sku=None, price_minor=1250, category="kitchen/mugs", **more):
    return {
        "slug": slug,
        "title": slug.replace("-", " ").title(),
        "description": "for tea",
        "category": category,
        "variants": [{"sku": sku or f"SKU-{slug}", "options": {"size": "l"}, "price_minor": price_minor}],
        **more,
    }


async def _import(catalog, *items):
    status, body = await catalog.call("POST", "/internal/products/import", json={"items": list(items)})
    assert status == 200, body
    return body


async def _created(catalog, principal=ADMIN, **more):
    await _import(catalog, _item("seed-of-category"))
    status, body = await catalog.call(
        "POST",
        "/api/v1/products",
        principal=principal,
        json={
            "slug": "red-mug",
            "title": "Red mug",
            "category": "kitchen/mugs",
            "status": "active",
            "variants": [{"sku": "RED", "prices": [{"amount": "9.90", "currency": "EUR"}]}],
            **more,
        },
    )
    assert status == 201, body
    return body


async def _events(catalog):
    database = Database(catalog.settings.database_url, "test")
    await database.open()
    try:
        async with database.acquire() as connection:
            rows = await connection.fetch("SELECT type, aggregate_id, aggregate_version FROM outbox ORDER BY position")
        return [(row["type"], row["aggregate_version"]) for row in rows]
    finally:
        await database.close()


async def test_imported_products_are_listed_and_read_by_id_and_slug(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        assert await _import(catalog, _item()) == {"created": 1, "updated": 0, "unchanged": 0}
        status, body = await catalog.call("GET", "/api/v1/products", anonymous=True)
        assert status == 200
        (product,) = body["items"]
        assert product["variants"] == [
            {"sku": "SKU-blue-mug", "options": {"size": "l"}, "price": {"amount": "12.50", "currency": "EUR"}}
        ]
        assert (product["category"], product["status"], product["version"]) == ("kitchen/mugs", "active", 1)
        for reference in (product["id"], "blue-mug"):
            assert await catalog.call("GET", f"/api/v1/products/{reference}", anonymous=True) == (200, product)


async def test_importing_the_same_again_changes_and_publishes_nothing(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await _import(catalog, _item())
        assert await _import(catalog, _item()) == {"created": 0, "updated": 0, "unchanged": 1}
        assert await _events(catalog) == [("product.upserted", 1)]


async def test_a_changed_price_is_published_as_price_and_as_product(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await _import(catalog, _item())
        assert await _import(catalog, _item(price_minor=999)) == {"created": 0, "updated": 1, "unchanged": 0}
        assert await _events(catalog) == [("product.upserted", 1), ("price.changed", 2), ("product.upserted", 3)]
        _, body = await catalog.call("GET", "/api/v1/products/blue-mug")
        assert (body["version"], body["variants"][0]["price"]["amount"]) == (3, "9.99")


async def test_two_imports_of_the_same_at_once_publish_once(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await asyncio.gather(*(_import(catalog, _item(), _item("green-mug")) for _ in range(4)))
        assert await _events(catalog) == [("product.upserted", 1), ("product.upserted", 1)]


async def test_an_import_cannot_take_another_products_sku(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await _import(catalog, _item())
        status, body = await catalog.call(
            "POST", "/internal/products/import", json={"items": [_item("thief", sku="SKU-blue-mug")]}
        )
        assert (status, body["code"], body["skus"]) == (409, "sku_taken", ["SKU-blue-mug"])
        assert (await catalog.call("GET", "/api/v1/products/thief"))[0] == 404


async def test_pages_follow_each_other_without_gaps_or_repeats(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await _import(catalog, *(_item(f"mug-{n}") for n in range(25)))
        seen, path = [], "/api/v1/products?limit=10"
        while path:
            _, body = await catalog.call("GET", path)
            seen += [product["slug"] for product in body["items"]]
            path = f"/api/v1/products?limit=10&cursor={body['next_cursor']}" if body["next_cursor"] else None
        assert sorted(seen) == sorted(f"mug-{n}" for n in range(25))


async def test_a_category_takes_its_subtree_and_nothing_beside_it(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await _import(
            catalog,
            _item("a", category="kitchen/mugs"),
            _item("b", category="kitchen"),
            _item("c", category="kitchen-sinks"),
            _item("d", category="kitchen/mugs/large"),
        )

        async def slugs(category):
            _, body = await catalog.call("GET", f"/api/v1/products?category={category}")
            return sorted(product["slug"] for product in body["items"])

        assert await slugs("kitchen") == ["a", "b", "d"]
        assert await slugs("kitchen/mugs") == ["a", "d"]
        _, tree = await catalog.call("GET", "/api/v1/categories", anonymous=True)
        assert [(node["path"], node["products"]) for node in tree["items"]] == [
            ("kitchen", 1),
            ("kitchen-sinks", 1),
            ("kitchen/mugs", 1),
            ("kitchen/mugs/large", 1),
        ]


async def test_batches_by_id_and_sku(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await _import(catalog, *(_item(f"mug-{n}") for n in range(30)))
        skus = ",".join(f"SKU-mug-{n}" for n in range(25))
        _, body = await catalog.call("GET", f"/api/v1/products?skus={skus}")
        assert len(body["items"]) == 25
        ids = ",".join(product["id"] for product in body["items"][:3])
        _, body = await catalog.call("GET", f"/api/v1/products?ids={ids}")
        assert len(body["items"]) == 3
        assert (await catalog.call("GET", "/api/v1/products?ids=nonsense"))[0] == 400


async def test_orders_can_price_skus(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        item = _item()
        item["variants"][0]["other_prices"] = [{"currency": "USD", "price_minor": 1400}]
        await _import(catalog, item)
        _, body = await catalog.call("GET", "/internal/variants?skus=SKU-blue-mug,unknown")
        _, product = await catalog.call("GET", "/api/v1/products/blue-mug?currency=USD")
        assert body["items"] == [
            {
                "sku": "SKU-blue-mug",
                "product_id": product["id"],
                "title": "Blue Mug",
                "price_minor": 1250,
                "currency": "EUR",
                "status": "active",
                "tax_class": "standard",
            }
        ]
        assert product["variants"][0]["price"] == {"amount": "14.00", "currency": "USD"}
        _, body = await catalog.call("GET", "/internal/variants?skus=SKU-blue-mug&currency=USD")
        assert (body["items"][0]["price_minor"], body["items"][0]["currency"]) == (1400, "USD")


async def test_an_edit_needs_the_version_it_was_made_from(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await _created(catalog)
        path = f"/api/v1/products/{product['id']}"
        edit = {"title": "Scarlet mug"}
        assert (await catalog.call("PATCH", path, json=edit))[0] == 400
        status, body = await catalog.call("PATCH", path, json=edit, headers={"If-Match": '"7"'})
        assert (status, body["code"], body["version"]) == (412, "version_changed", 1)
        status, body = await catalog.call("PATCH", path, json=edit, headers={"If-Match": '"1"'})
        assert (status, body["title"], body["version"]) == (200, "Scarlet mug", 2)


async def test_of_two_edits_from_one_version_one_wins(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await _created(catalog)
        answers = await asyncio.gather(
            *(
                catalog.call(
                    "PATCH",
                    f"/api/v1/products/{product['id']}",
                    json={"title": f"Mug {n}"},
                    headers={"If-Match": '"1"'},
                )
                for n in range(5)
            )
        )
        assert sorted(status for status, _ in answers) == [200, 412, 412, 412, 412]


async def test_an_edit_is_seen_at_once_although_the_page_was_cached(engines, prefix):
    async with served(engines, "catalog", prefix=prefix, product_ttl_s=600) as catalog:
        product = await _created(catalog)
        for reference in (product["id"], "red-mug"):
            await catalog.call("GET", f"/api/v1/products/{reference}")
        await catalog.call(
            "PATCH", f"/api/v1/products/{product['id']}", json={"title": "New"}, headers={"If-Match": '"1"'}
        )
        for reference in (product["id"], "red-mug"):
            assert (await catalog.call("GET", f"/api/v1/products/{reference}"))[1]["title"] == "New"


async def test_a_price_edit_publishes_the_price(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await _created(catalog)
        status, body = await catalog.call(
            "PUT",
            f"/api/v1/products/{product['id']}/variants/RED",
            json={"prices": [{"amount": "8.00", "currency": "EUR"}, {"amount": "9.00", "currency": "USD"}]},
            headers={"If-Match": '"1"'},
        )
        assert (status, body["version"]) == (200, 3)
        assert (await _events(catalog))[1:] == [("product.upserted", 1), ("price.changed", 2), ("product.upserted", 3)]
        status, body = await catalog.call(
            "DELETE", f"/api/v1/products/{product['id']}/variants/RED", headers={"If-Match": '"3"'}
        )
        assert (status, body["variants"]) == (200, [])


@pytest.mark.parametrize("price", ["-1.00", "1.234", "1e5", "", "NaN"])
async def test_a_price_that_is_no_price_is_refused(engines, prefix, price):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await _created(catalog)
        status, body = await catalog.call(
            "PUT",
            f"/api/v1/products/{product['id']}/variants/RED",
            json={"prices": [{"amount": price, "currency": "EUR"}]},
            headers={"If-Match": '"1"'},
        )
        assert (status, body["code"]) in {(422, "invalid_money"), (422, "negative_price")}


async def test_a_sellers_product_waits_for_approval(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await _created(catalog, SELLER)
        path = f"/api/v1/products/{product['id']}"
        assert product["status"] == "draft"
        assert (await catalog.call("GET", path, anonymous=True))[0] == 404
        assert (await catalog.call("GET", path, principal=OTHER_SELLER))[0] == 404
        assert (await catalog.call("GET", path, principal=SELLER))[0] == 200
        status, body = await catalog.call(
            "PUT", path + "/staff", json={"approved": True, "cost_minor": 300}, headers={"If-Match": '"1"'}
        )
        assert (status, body) == (200, {"approved": True, "is_featured": False, "cost_minor": 300, "version": 2})
        status, body = await catalog.call("GET", path, anonymous=True)
        assert (status, body["status"]) == (200, "active")
        assert "cost_minor" not in str(body)
        assert "is_featured" not in str(body)


async def test_sellers_change_only_their_own(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await _created(catalog, SELLER)
        path = f"/api/v1/products/{product['id']}"
        for method, where, body in (
            ("PATCH", path, {"title": "Mine"}),
            ("PUT", path + "/variants/RED", {"prices": [{"amount": "0.01", "currency": "EUR"}]}),
            ("DELETE", path, None),
        ):
            kwargs = {"json": body} if body else {}
            status, answer = await catalog.call(
                method, where, principal=OTHER_SELLER, headers={"If-Match": '"1"'}, **kwargs
            )
            assert (status, answer["code"]) == (404, "unknown_product")
            status, _ = await catalog.call(method, where, principal=CUSTOMER, headers={"If-Match": '"1"'}, **kwargs)
            assert status == 403
        status, _ = await catalog.call("PUT", path + "/staff", principal=SELLER, json={"approved": True})
        assert status == 403
        status, body = await catalog.call(
            "PATCH", path, principal=SELLER, json={"title": "Mine"}, headers={"If-Match": '"1"'}
        )
        assert (status, body["title"]) == (200, "Mine")


@pytest.mark.parametrize("field", ["is_featured", "cost_minor", "approved", "seller_id", "version", "id"])
async def test_staff_fields_are_not_accepted_from_an_editor(engines, prefix, field):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await _created(catalog, SELLER)
        for method, path, body in (
            ("PATCH", f"/api/v1/products/{product['id']}", {field: 1}),
            ("POST", "/api/v1/products", {"slug": "x", "title": "x", "category": "kitchen", field: 1}),
        ):
            status, answer = await catalog.call(method, path, principal=SELLER, json=body, headers={"If-Match": '"1"'})
            assert (status, answer["code"]) == (400, "invalid_body")
            assert answer["errors"][0]["field"] == field


async def test_slugs_and_skus_are_unique(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await _created(catalog)
        body = {"slug": "red-mug", "title": "Again", "category": "kitchen"}
        status, answer = await catalog.call("POST", "/api/v1/products", json=body)
        assert (status, answer["code"]) == (409, "slug_taken")
        body = {
            **body,
            "slug": "other",
            "variants": [{"sku": "RED", "prices": [{"amount": "1.00", "currency": "EUR"}]}],
        }
        status, answer = await catalog.call("POST", "/api/v1/products", json=body)
        assert (status, answer["code"]) == (409, "sku_taken")
        status, answer = await catalog.call("POST", "/api/v1/products", json={**body, "category": "nowhere"})
        assert (status, answer["code"]) == (422, "unknown_category")
        assert product["version"] == 1


async def test_a_deleted_product_is_gone_and_told(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await _created(catalog)
        path = f"/api/v1/products/{product['id']}"
        await catalog.call("GET", path)
        assert (await catalog.call("DELETE", path, headers={"If-Match": '"1"'}))[0] == 204
        assert (await catalog.call("GET", path))[0] == 404
        assert (await catalog.call("GET", "/api/v1/products/red-mug"))[0] == 404
        assert (await _events(catalog))[-1] == ("product.deleted", 2)
        _, body = await catalog.call("GET", "/internal/variants?skus=RED")
        assert body["items"][0]["status"] == "archived"


async def test_staff_lists_drafts_and_customers_do_not(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await _import(catalog, _item(), _item("hidden", status="draft"))
        for principal, expected in ((ADMIN, ["hidden"]), (CUSTOMER, []), (SELLER, [])):
            _, body = await catalog.call("GET", "/api/v1/products?status=draft", principal=principal)
            assert [product["slug"] for product in body["items"]] == expected


async def test_categories_grow_below_their_parents(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await catalog.call("GET", "/api/v1/categories")
        for path, expected in (("garden", 201), ("garden/tools", 201), ("garden", 409), ("no/where", 422)):
            status, _ = await catalog.call("POST", "/api/v1/categories", json={"path": path, "name": "Name"})
            assert status == expected
        _, body = await catalog.call("GET", "/api/v1/categories")
        assert [node["path"] for node in body["items"]] == ["garden", "garden/tools"]
        status, _ = await catalog.call(
            "POST", "/api/v1/categories", principal=SELLER, json={"path": "mine", "name": "Mine"}
        )
        assert status == 403


async def test_a_client_with_the_current_version_gets_304(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await _import(catalog, _item())
        status, body = await catalog.call(
            "GET", "/api/v1/products/blue-mug", headers={"If-None-Match": '"1"'}, anonymous=True
        )
        assert (status, body) == (304, None)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/products?cursor=nonsense",
        "/api/v1/products?limit=0",
        "/api/v1/products?limit=101",
        "/api/v1/products?limit=abc",
        "/api/v1/products?status=sold",
        "/api/v1/products?currency=eur",
        "/api/v1/products?q=%00",
        "/api/v1/products?skus=%00",
        "/api/v1/products?category=../etc",
    ],
)
async def test_parameters_that_cannot_be_read_are_refused(engines, prefix, path):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        assert (await catalog.call("GET", path))[0] == 400


@pytest.mark.parametrize("reference", ["%00", "a%27--", "%F0%9F%92%A5", "..", "x" * 500])
async def test_a_reference_that_can_be_no_product_is_not_found(engines, prefix, reference):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        assert (await catalog.call("GET", f"/api/v1/products/{reference}"))[0] == 404


@pytest.mark.parametrize("field", ["title", "description"])
async def test_text_that_cannot_be_stored_is_refused(engines, prefix, field):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        body = {"slug": "x", "title": "x", "category": "kitchen", field: "a\x00b"}
        status, answer = await catalog.call("POST", "/api/v1/products", json=body)
        assert (status, answer["errors"][0]["field"]) == (400, field)


async def test_internal_routes_are_for_services(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        for principal in (CUSTOMER, SELLER, Principal("a", frozenset({"admin"}))):
            status, _ = await catalog.call("GET", "/internal/variants?skus=a", principal=principal)
            assert status == 403
        assert (await catalog.call("GET", "/internal/variants?skus=a", anonymous=True))[0] == 401


async def test_words_are_found_in_title_and_description(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await _import(catalog, _item("blue-mug"), _item("red-chair", description="for every mug"), _item("lamp"))
        for words, expected in (
            ("mugs", ["blue-mug", "red-chair"]),
            ("blue mug", ["blue-mug"]),
            ("' OR 1=1 --", []),
            ("mug:* | lamp & !", []),
        ):
            status, body = await catalog.call("GET", "/api/v1/products", params={"q": words}, anonymous=True)
            assert (status, sorted(product["slug"] for product in body["items"])) == (200, expected)
