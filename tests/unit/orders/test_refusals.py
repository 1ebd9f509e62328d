"""What a buyer is told of inventory's no."""

import pytest

from shared.errors import Kind, RemoteRefusal
from svc.orders.domain.cart import ProductUnavailable
from svc.orders.placing.refusals import StockRefused, stock_refusal

pytestmark = pytest.mark.service("orders")


def test_a_decision_about_stock_is_passed_on_with_its_code_words_and_members():
    refusal = stock_refusal(RemoteRefusal(409, "insufficient_stock", "only 3 left", extra={"sku": "A", "available": 3}))
    assert type(refusal) is StockRefused
    assert (refusal.code, refusal.kind, refusal.detail) == ("insufficient_stock", Kind.CONFLICT, "only 3 left")
    assert refusal.extra == {"sku": "A", "available": 3}


@pytest.mark.parametrize("status", [404, 409])
def test_goods_that_inventory_does_not_know_are_not_for_sale_any_more(status):
    refusal = stock_refusal(RemoteRefusal(status, "unknown_sku", "no such SKU", extra={"sku": "A"}))
    assert type(refusal) is ProductUnavailable
    assert refusal.detail == "some goods are not for sale any more"
    assert refusal.extra == {"items": [{"sku": "A"}]}


@pytest.mark.parametrize("status", [400, 408, 410, 422, 500])
def test_anything_else_is_no_decision_about_stock(status):
    assert stock_refusal(RemoteRefusal(status, "invalid_body", "?")) is None
