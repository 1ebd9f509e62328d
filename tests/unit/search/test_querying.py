from uuid import uuid4

import msgspec
import pytest

from shared.availability import Availability
from svc.search.domain import (
    CHANGES_COUNTED_MAX,
    FILTER_VALUES_MAX,
    TERMS_MAX,
    Document,
    InvalidFilter,
    ProductBody,
    QueryInvalid,
    Sort,
    VariantBody,
    Wish,
    check_filters,
    indexed_fields,
    loggable,
    named_values,
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

    filtered = Wish(
        terms=(text,),
        category=text,
        sellers=(text,),
        options={text: (text,)},
        attributes={text: (text,)},
        sort=Sort.TITLE,
    )
    assert any(text in str(value) for value in values(search_body(filtered, after=[text, text], size=10)))


def test_a_facet_leaves_its_own_filter_out():
    body = search_body(Wish(category="home", price_minor_min=5), after=None, size=1)
    wanted = [{"term": {"offers.currency": "EUR"}}, {"range": {"offers.price_minor": {"gte": 5}}}]
    price = {"nested": {"path": "offers", "query": {"bool": {"filter": wanted}}}}
    category = {"term": {"category_paths": "home"}}
    assert body["post_filter"]["bool"]["filter"] == [category, price]
    assert category not in body["aggs"]["categories"]["filter"]["bool"]["filter"]
    assert price not in body["aggs"]["prices"]["filter"]["bool"]["filter"]


@pytest.mark.parametrize("own", ["option", "attribute"])
def test_each_name_that_is_filtered_by_is_counted_without_its_own_filter(own):
    values = {"colour": ("red",), "size": ("s", "m")}
    wish = Wish(options=values) if own == "option" else Wish(attributes=values)
    aggs = search_body(wish, after=None, size=1)["aggs"]
    for position, name in enumerate(values):
        left_out = [f"{name}\x1f{value}" for value in values[name]]
        assert str(left_out) not in str(aggs[f"{own}_{position}"])
        assert str(left_out) in str(aggs["categories"])


def test_price_options_and_availability_must_fit_one_variant():
    wish = Wish(price_minor_max=9, options={"size": ("s",)}, availability=(Availability.IN_STOCK,))
    (nested,) = search_body(wish, after=None, size=1)["post_filter"]["bool"]["filter"]
    assert nested["nested"]["query"]["bool"]["filter"] == [
        {"term": {"offers.currency": "EUR"}},
        {"range": {"offers.price_minor": {"lte": 9}}},
        {"terms": {"offers.options": ["size\x1fs"]}},
        {"terms": {"offers.availability": ["in_stock"]}},
    ]


def test_no_words_match_everything():
    query = search_body(Wish(), after=None, size=1)["query"]
    assert query["function_score"]["query"] == {"match_all": {}}


def test_only_a_first_page_of_words_asks_for_another_spelling():
    assert "suggest" in search_body(Wish(terms=("lmap",)), after=None, size=1)
    assert "suggest" not in search_body(Wish(terms=("lmap",)), after=[1.0, "x"], size=1)
    assert "suggest" not in search_body(Wish(), after=None, size=1)


def test_only_known_fields_are_indexed():
    fields = indexed_fields(_body(attributes={"material": "oak"}), popularity=3, stock={"L": 0, "M": 9})
    assert set(fields) == set(MAPPINGS["properties"]) - {"everything", "spelling"}
    assert fields["category_paths"] == ["home", "home/light"]
    assert fields["attributes"] == ["material\x1foak"]
    assert [offer["availability"] for offer in fields["offers"]] == ["out_of_stock", "in_stock"]
    assert (fields["sold_out"], fields["popularity"]) == (False, 3)
    assert msgspec.json.decode(msgspec.json.encode(fields)) == fields


@pytest.mark.parametrize(
    ("stock", "sold_out"), [({}, False), ({"L": 0}, False), ({"L": 0, "M": 1}, False), ({"L": 0, "M": 0}, True)]
)
def test_a_product_is_sold_out_once_all_its_variants_are_known_to_be(stock, sold_out):
    assert indexed_fields(_body(), stock=stock)["sold_out"] is sold_out


def test_a_later_write_has_a_greater_version_whatever_it_changes():
    def version(product, changes):
        return Document(product_id=uuid4(), version=product, body=None, changes=changes).index_version

    in_order = [version(1, 0), version(1, 1), version(1, CHANGES_COUNTED_MAX), version(2, 0), version(2, 7)]
    assert in_order == sorted(set(in_order))
    assert version(1, CHANGES_COUNTED_MAX + 5) == version(1, CHANGES_COUNTED_MAX)
    assert version(2**63 - 1, 2**63 - 1) <= 2**63 - 1


@pytest.mark.parametrize("text", ["colour", ":red", "colour:", "col\x1four:red", "a" * 262 + ":b", ""])
def test_a_named_filter_that_cannot_be_read_is_refused(text):
    with pytest.raises(InvalidFilter) as refused:
        named_values("option", [text])
    assert refused.value.extra == {"parameter": "option"}


def test_filters_are_bounded_together():
    check_filters(Wish(options={"colour": tuple(map(str, range(FILTER_VALUES_MAX)))}))
    with pytest.raises(InvalidFilter):
        check_filters(Wish(options={"colour": tuple(map(str, range(FILTER_VALUES_MAX)))}, sellers=("s",)))


def test_wishes_that_mean_the_same_are_one_list_and_others_are_not():
    def wish(*options, **more):
        return Wish(options=named_values("option", options), **more).order

    assert wish("size:s", "colour:red", "size:m") == wish("colour:red", "size:m", "size:s", "size:s")
    others = [
        wish(), wish("size:s"), wish("size:m"), wish(terms=("a",)), wish(sellers=("s",)), wish(category="home"),
        wish(currency="USD"), wish(price_minor_min=1), wish(price_minor_max=1), wish(sort=Sort.TITLE),
        wish(availability=(Availability.IN_STOCK,)),
    ]  # fmt: skip
    assert len(set(others)) == len(others)


@pytest.mark.parametrize(
    ("terms", "counted"),
    [
        (("Blue", "MUG"), "blue mug"),
        (("iphone", "15"), "iphone 15"),
        (("somebody@example.com",), None),
        (("+49", "170", "1234567"), None),
        (("4111", "1111"), None),
        (("x" * 81,), None),
        ((), None),
    ],
)
def test_what_may_be_about_a_person_is_not_counted(terms, counted):
    assert loggable(terms) == counted


@pytest.mark.parametrize(("status", "indexed"), [("active", True), ("draft", False), ("archived", False)])
def test_only_active_products_are_indexed(status, indexed):
    assert Document(product_id=uuid4(), version=1, body=_body(status=status)).is_indexed is indexed


def test_a_deleted_product_is_not_indexed():
    assert not Document(product_id=uuid4(), version=1, body=None).is_indexed
