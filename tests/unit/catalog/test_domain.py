from uuid import uuid4

import pytest

from shared.if_match import VersionMissing, expected_version
from shared.unit_of_work import EVENTS_MAX
from svc.catalog.api.wire import InvalidFilter, listed
from svc.catalog.domain import (
    CurrencyRepeated,
    Price,
    Product,
    ProductWish,
    Variant,
    ancestors,
    checked_prices,
    fingerprint,
    parent_of,
    price_changes,
    product_id_of,
)
from svc.catalog.handlers import portions
from svc.catalog.handlers.importing import EVENTS_PER_PRODUCT, ImportAmbiguous

pytestmark = pytest.mark.service("catalog")


def _variant(sku="A", amount_minor=100, currency="EUR", *others):
    return Variant(sku=sku, options={}, prices=(Price(currency, amount_minor), *others))


def _wish(slug="a", *variants):
    return ProductWish(
        slug=slug, title="A", description="", category="a", status="active", tax_class="standard", seller_id=None,
        variants=variants or (_variant(f"sku-{slug}"),),
    )  # fmt: skip


def _product(**more):
    fields = {
        "id": uuid4(), "slug": "a", "title": "A", "description": "", "category": "a", "status": "active",
        "tax_class": "standard", "approved": True, "seller_id": None, "version": 1, "variants": (), **more,
    }  # fmt: skip
    return Product(**fields)


def test_the_ancestors_of_a_category_begin_at_the_root():
    assert ancestors("a/b/c") == ["a", "a/b", "a/b/c"]


def test_a_root_has_no_parent():
    assert (parent_of("a"), parent_of("a/b")) == (None, "a")


def test_only_a_known_sku_with_another_price_has_changed():
    before = [_variant("A"), _variant("B"), _variant("C")]
    after = [_variant("A"), _variant("B", 200), _variant("D")]
    assert price_changes(before, after) == [("B", Price("EUR", 200))]


def test_another_home_currency_is_a_price_change():
    assert price_changes([_variant()], [_variant(currency="USD")]) == [("A", Price("USD", 100))]


def test_a_variant_has_one_price_per_currency():
    with pytest.raises(CurrencyRepeated):
        checked_prices([Price("EUR", 1), Price("EUR", 2)])


def test_a_wish_for_an_unknown_currency_gives_the_home_price():
    variant = _variant("A", 100, "EUR", Price("USD", 120))
    assert variant.price("USD") == Price("USD", 120)
    assert variant.price("GBP") == Price("EUR", 100)
    assert variant.price() == Price("EUR", 100)


@pytest.mark.parametrize(
    ("status", "approved", "visible", "shown"),
    [
        ("active", True, True, "active"),
        ("active", False, False, "draft"),
        ("draft", True, False, "draft"),
        ("archived", False, False, "archived"),
    ],
)
def test_an_unapproved_product_is_shown_as_a_draft(status, approved, visible, shown):
    product = _product(status=status, approved=approved)
    assert (product.visible, product.shown_status) == (visible, shown)


def test_equal_wishes_have_equal_fingerprints_and_others_not():
    assert fingerprint(_wish()) == fingerprint(_wish())
    assert fingerprint(_wish()) != fingerprint(_wish("a", _variant("A", 101)))


def test_an_imported_product_has_the_same_id_everywhere():
    assert product_id_of("blue-mug") == product_id_of("blue-mug")
    assert product_id_of("blue-mug") != product_id_of("red-mug")


def test_an_import_is_cut_so_that_no_transaction_publishes_too_much():
    wishes = [_wish(f"p{n}", _variant(f"s{n}")) for n in range(2_500)]
    cut = portions(wishes)
    assert [wish for portion in cut for wish in portion] == wishes
    assert [EVENTS_PER_PRODUCT * len(portion) for portion in cut] == [EVENTS_MAX, EVENTS_MAX, 1_000]


@pytest.mark.parametrize("wishes", [[_wish("a"), _wish("a")], [_wish("a", _variant("X")), _wish("b", _variant("X"))]])
def test_an_import_names_each_product_and_sku_once(wishes):
    with pytest.raises(ImportAmbiguous):
        portions(wishes)


@pytest.mark.parametrize("header", [None, "", "*", '"abc"', '"-1"', '"1.5"', '"' + "9" * 30 + '"'])
def test_an_edit_without_a_readable_version_is_refused(header):
    with pytest.raises(VersionMissing):
        expected_version(header)


@pytest.mark.parametrize("header", ['"7"', 'W/"7"', "7"])
def test_a_version_is_read_from_an_etag(header):
    assert expected_version(header) == 7


def test_a_list_parameter_is_bounded():
    assert listed("skus", "a,b,a,,") == ("a", "b")
    for text in ("", ",", ",".join(str(n) for n in range(101))):
        with pytest.raises(InvalidFilter):
            listed("skus", text)
