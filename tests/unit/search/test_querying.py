from uuid import uuid4

import msgspec
import pytest

from svc.search.domain import (
    TERMS_MAX,
    Document,
    ProductBody,
    QueryInvalid,
    Sort,
    VariantBody,
    Wish,
    indexed_fields,
    terms_of,
)
from svc.search.index_definition import MAPPINGS
from svc.search.querying import search_body, suggest_body

pytestmark = pytest.mark.service("search")


def _body(**more):
    fields = {
        "product_id": uuid4(), "slug": "lamp", "title": "Lamp", "description": "", "category": "home/light",
        "status": "active", **more,
        "variants": (
            VariantBody(sku="L", options={"colour": "red", "size": "s"}, price_minor=5, currency="EUR"),
            VariantBody(sku="M", options={"colour": "red", "size": "m"}, price_minor=7, currency="EUR"),
        ),
    }  # fmt: skip
    return ProductBody(**fields)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("   ", ()),
        ("blue  mug", ("blue", "mug")),
        ("blue\x00mug\x1b[0m", ("blue", "mug", "[0m")),
        ("\u202eevil\u200b", ("evil",)),
        ("ｆｕｌｌ ﬁne", ("full", "fine")),
    ],
)
def test_words_are_cleaned(text, terms):
    assert terms_of(text) == terms


@pytest.mark.parametrize("text", ["x" * 41, " ".join("x" * (TERMS_MAX + 1)), "ﷺ" * 20])
def test_words_are_bounded_after_they_are_normalised(text):
    with pytest.raises(QueryInvalid):
        terms_of(text)


@pytest.mark.parametrize("sort", list(Sort))
def test_every_order_ends_in_the_product_id_so_that_pages_are_exact(sort):
    assert search_body(Wish(sort=sort), after=None, size=1)["sort"][-1] == {"product_id": "asc"}


@pytest.mark.parametrize("text", ['a"} , {"script": "x', "a* OR b~5", "_id:1"])
def test_what_a_caller_wrote_is_only_ever_a_value(text):
    def values(node):
        if isinstance(node, dict):
            assert not any(text in key for key in node)
            return [value for child in node.values() for value in values(child)]
        if isinstance(node, list):
            return [value for child in node for value in values(child)]
        return [node]

    for body in (search_body(Wish(terms=(text,)), after=None, size=10), suggest_body(text, size=5)):
        assert text in values(body)
        assert "query_string" not in str(body)
        assert "script" not in body["query"]


def test_a_facet_leaves_its_own_filter_out():
    body = search_body(Wish(category="home", price_minor_min=5), after=None, size=1)
    wanted = [{"term": {"prices.currency": "EUR"}}, {"range": {"prices.price_minor": {"gte": 5}}}]
    price = {"nested": {"path": "prices", "query": {"bool": {"filter": wanted}}}}
    category = {"term": {"category_paths": "home"}}
    assert body["post_filter"]["bool"]["filter"] == [category, price]
    assert category not in body["aggs"]["categories"]["filter"]["bool"]["filter"]
    assert price not in body["aggs"]["prices"]["filter"]["bool"]["filter"]


def test_no_words_match_everything():
    assert search_body(Wish(), after=None, size=1)["query"] == {"match_all": {}}


def test_only_known_fields_are_indexed():
    fields = indexed_fields(_body())
    assert set(fields) <= set(MAPPINGS["properties"])
    assert fields["category_paths"] == ["home", "home/light"]
    assert fields["option_values"] == ["colour=red", "size=m", "size=s"]
    assert fields["prices"] == [{"currency": "EUR", "price_minor": 5}, {"currency": "EUR", "price_minor": 7}]
    assert msgspec.json.decode(msgspec.json.encode(fields)) == fields


@pytest.mark.parametrize(("status", "indexed"), [("active", True), ("draft", False), ("archived", False)])
def test_only_active_products_are_indexed(status, indexed):
    assert Document(product_id=uuid4(), version=1, body=_body(status=status)).is_indexed is indexed


def test_a_deleted_product_is_not_indexed():
    assert not Document(product_id=uuid4(), version=1, body=None).is_indexed
