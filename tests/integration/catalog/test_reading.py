import pytest

from tests.support.cataloguing import SELLER, imported, item
from tests.support.services import served

pytestmark = pytest.mark.service("catalog")


async def test_imported_products_are_listed_and_read_by_id_and_slug(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        assert await imported(catalog, item()) == {"created": 1, "updated": 0, "unchanged": 0}
        status, body = await catalog.call("GET", "/api/v1/products", anonymous=True)
        assert status == 200
        (product,) = body["items"]
        assert product["variants"] == [
            {"sku": "SKU-blue-mug", "options": {"size": "l"}, "price": {"amount": "12.50", "currency": "EUR"}}
        ]
        assert (product["category"], product["status"], product["version"]) == ("kitchen/mugs", "active", 1)
        for reference in (product["id"], "blue-mug"):
            assert await catalog.call("GET", f"/api/v1/products/{reference}", anonymous=True) == (200, product)


async def test_pages_follow_each_other_without_gaps_or_repeats(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, *(item(f"mug-{n}") for n in range(25)))
        seen, path = [], "/api/v1/products?limit=10"
        while path:
            _, body = await catalog.call("GET", path)
            seen += [product["slug"] for product in body["items"]]
            path = f"/api/v1/products?limit=10&cursor={body['next_cursor']}" if body["next_cursor"] else None
        assert sorted(seen) == sorted(f"mug-{n}" for n in range(25))


async def test_a_category_takes_its_subtree_and_nothing_beside_it(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(
            catalog,
            item("a", category="kitchen/mugs"),
            item("b", category="kitchen"),
            item("c", category="kitchen-sinks"),
            item("d", category="kitchen/mugs/large"),
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
        await imported(catalog, *(item(f"mug-{n}") for n in range(30)))
        skus = ",".join(f"SKU-mug-{n}" for n in range(25))
        _, body = await catalog.call("GET", f"/api/v1/products?skus={skus}")
        assert len(body["items"]) == 25
        ids = ",".join(product["id"] for product in body["items"][:3])
        _, body = await catalog.call("GET", f"/api/v1/products?ids={ids}")
        assert len(body["items"]) == 3
        assert (await catalog.call("GET", "/api/v1/products?ids=nonsense"))[0] == 400


async def test_orders_can_price_skus(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        wanted = item()
        wanted["variants"][0]["other_prices"] = [{"currency": "USD", "price_minor": 1400}]
        await imported(catalog, wanted)
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
                "seller_id": None,
            }
        ]
        assert product["variants"][0]["price"] == {"amount": "14.00", "currency": "USD"}
        _, body = await catalog.call("GET", "/internal/variants?skus=SKU-blue-mug&currency=USD")
        assert (body["items"][0]["price_minor"], body["items"][0]["currency"]) == (1400, "USD")


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


@pytest.mark.parametrize("known", ['"1"', 'W/"1"', "*", '"0", W/"1"'])
async def test_a_client_with_the_current_version_gets_304(engines, prefix, known):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item())
        status, body = await catalog.call(
            "GET", "/api/v1/products/blue-mug", headers={"If-None-Match": known}, anonymous=True
        )
        assert (status, body) == (304, None)
        status, _ = await catalog.call(
            "GET", "/api/v1/products/blue-mug", headers={"If-None-Match": '"0", W/"11"'}, anonymous=True
        )
        assert status == 200


async def test_head_is_answered_like_get_without_a_body(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item())
        url = catalog.url + "/api/v1/products/blue-mug"
        async with catalog.http.get(url) as got, catalog.http.head(url) as head:
            whole = await got.read()
            assert (head.status, await head.read()) == (200, b"")
            assert (head.headers["ETag"], head.headers["Content-Length"]) == (got.headers["ETag"], str(len(whole)))
        async with catalog.http.head(catalog.url + "/api/v1/products/none") as head:
            assert (head.status, await head.read()) == (404, b"")


async def test_allow_names_every_method_of_a_path(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        url = catalog.url + "/api/v1/products"
        async with catalog.http.options(url, headers=catalog.headers()) as options:
            assert (options.status, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")
        async with catalog.http.patch(url, headers=catalog.headers()) as refused:
            assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")
        async with catalog.http.options(url + "/blue-mug", headers=catalog.headers()) as options:
            assert options.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


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


async def test_words_are_found_in_title_and_description(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item("blue-mug"), item("red-chair", description="for every mug"), item("lamp"))
        for words, expected in (
            ("mugs", ["blue-mug", "red-chair"]),
            ("blue mug", ["blue-mug"]),
            ("' OR 1=1 --", []),
            ("mug:* | lamp & !", []),
        ):
            status, body = await catalog.call("GET", "/api/v1/products", params={"q": words}, anonymous=True)
            assert (status, sorted(product["slug"] for product in body["items"])) == (200, expected)
