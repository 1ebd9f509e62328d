import pytest

from shared.identity import Principal
from tests.support.cataloguing import ADMIN, CUSTOMER, OTHER_SELLER, SELLER, created, imported, item
from tests.support.services import served

pytestmark = pytest.mark.service("catalog")


async def test_a_sellers_product_waits_for_approval(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog, SELLER)
        path = f"/api/v1/products/{product['id']}"
        assert product["status"] == "draft"
        assert (await catalog.call("GET", path, anonymous=True))[0] == 404
        assert (await catalog.call("GET", path, principal=OTHER_SELLER))[0] == 404
        assert (await catalog.call("GET", path, principal=SELLER))[0] == 200
        status, body = await catalog.call(
            "PUT", path + "/staff", json={"approved": True, "cost_minor": 300}, headers={"If-Match": '"1"'}
        )
        assert (status, body) == (
            200,
            {"approved": True, "is_featured": False, "cost_minor": 300, "version": 2, "views": 0},
        )
        status, body = await catalog.call("GET", path, anonymous=True)
        assert (status, body["status"]) == (200, "active")
        assert "cost_minor" not in str(body)
        assert "is_featured" not in str(body)


async def test_sellers_change_only_their_own(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog, SELLER)
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
        product = await created(catalog, SELLER)
        for method, path, body in (
            ("PATCH", f"/api/v1/products/{product['id']}", {field: 1}),
            ("POST", "/api/v1/products", {"slug": "x", "title": "x", "category": "kitchen", field: 1}),
        ):
            status, answer = await catalog.call(method, path, principal=SELLER, json=body, headers={"If-Match": '"1"'})
            assert (status, answer["code"]) == (400, "invalid_body")
            assert answer["errors"][0]["field"] == field


async def test_staff_lists_drafts_and_customers_do_not(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item(), item("hidden", status="draft"))
        for principal, expected in ((ADMIN, ["hidden"]), (CUSTOMER, []), (SELLER, [])):
            _, body = await catalog.call("GET", "/api/v1/products?status=draft", principal=principal)
            assert [product["slug"] for product in body["items"]] == expected


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
