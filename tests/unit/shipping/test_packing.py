from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc.shipping.domain.packing import Box, Item, ItemTooLarge, pack, require_boxed, sides

pytestmark = pytest.mark.service("shipping")

measures = st.builds(sides, *(st.integers(1, 700) for _ in range(3)))
boxes = st.lists(
    st.builds(Box, st.text("abc", min_size=1, max_size=3), measures, st.integers(1, 40_000)),
    max_size=5,
    unique_by=lambda box: box.code,
)
goods = st.lists(
    st.builds(
        Item,
        sku=st.text("XYZ", min_size=1, max_size=3),
        quantity=st.integers(1, 40),
        weight_g=st.integers(1, 5_000),
        sides=measures,
    ),
    max_size=8,
    unique_by=lambda item: item.sku,
)


def fits(box, *items):
    """Whether the box takes so many pieces of each, whatever the packing."""
    return (
        sum(item.weight_g * count for item, count in items) <= box.weight_g_max
        and sum(item.sides.volume_mm3 * count for item, count in items) <= box.sides.volume_mm3
        and all(box.sides.hold(item.sides) for item, _ in items)
    )


@given(goods, boxes)
def test_every_piece_is_packed_once_and_no_box_is_too_heavy_or_too_full(items, kinds):
    packed = pack(items, kinds)
    by_sku = {item.sku: item for item in items}
    total = Counter()
    for package in packed:
        total.update(dict(package.contents))
        contents = [(by_sku[sku], count) for sku, count in package.contents]
        assert package.weight_g == sum(item.weight_g * count for item, count in contents)
        if package.box is not None:
            assert fits(package.box, *contents)
    assert total == Counter({item.sku: item.quantity for item in items})


@given(goods, boxes, st.randoms(use_true_random=False))
def test_the_order_in_which_goods_and_boxes_are_named_changes_nothing(items, kinds, dice):
    packed = pack(items, kinds)
    dice.shuffle(items)
    dice.shuffle(kinds)
    assert pack(items, kinds) == packed


@given(goods, boxes)
def test_only_what_no_box_holds_travels_without_one_and_boxes_are_as_small_as_may_be(items, kinds):
    by_sku = {item.sku: item for item in items}
    for package in pack(items, kinds):
        contents = [(by_sku[sku], count) for sku, count in package.contents]
        holding = [box for box in kinds if fits(box, *contents)]
        if package.box is None:
            assert holding == []
        else:
            assert package.box.sides.volume_mm3 == min(box.sides.volume_mm3 for box in holding)


def test_what_no_box_holds_is_named():
    piano = Item(sku="PIANO", quantity=1, weight_g=300_000, sides=sides(1_500, 1_200, 600))
    with pytest.raises(ItemTooLarge, match="PIANO"):
        require_boxed(pack([piano], [Box("large", sides(600, 400, 350), 31_500)]))
