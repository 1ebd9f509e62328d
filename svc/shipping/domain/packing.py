"""Goods into boxes: first fit decreasing, by volume, weight and longest sides. Pure, and the same every time.

It adds up volumes and does not turn goods around each other; who packs leaves a box out or takes one more by eye.
"""

from collections.abc import Iterable, Sequence

import msgspec

from shared.errors import Kind, Refusal

ITEM_WEIGHT_G = 500
"""What one item counts for while nobody has weighed it."""
ITEM_SIDES_MM = (100, 100, 100)
"""The same for its size."""
MM3_PER_CM3 = 1_000


class ItemTooLarge(Refusal):
    """No box holds one piece of it."""

    code = "item_too_large"
    kind = Kind.UNPROCESSABLE


class Sides(msgspec.Struct, frozen=True):
    """Millimetres, the longest first."""

    longest: int
    middle: int
    shortest: int

    @property
    def volume_mm3(self) -> int:
        return self.longest * self.middle * self.shortest

    def hold(self, other: "Sides") -> bool:
        """Whether the other fits in, side by side."""
        return self.longest >= other.longest and self.middle >= other.middle and self.shortest >= other.shortest


def sides(length_mm: int, width_mm: int, height_mm: int) -> Sides:
    """However it was measured."""
    return Sides(*sorted((length_mm, width_mm, height_mm), reverse=True))


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """`quantity` equal pieces; weight and sides are those of one."""

    sku: str
    quantity: int
    weight_g: int
    sides: Sides


class Box(msgspec.Struct, frozen=True):
    """A kind of box, of which there are always more."""

    code: str
    sides: Sides
    weight_g_max: int


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A packed box; without `box` a single piece that no box holds."""

    box: Box | None
    contents: tuple[tuple[str, int], ...]
    weight_g: int
    volume_mm3: int
    """Of the box, which is what a carrier has to carry."""


NOTHING = Package(box=None, contents=(), weight_g=ITEM_WEIGHT_G, volume_mm3=0)
"""The envelope of an order without goods."""


def pack(items: Sequence[Item], boxes: Sequence[Box]) -> tuple[Package, ...]:
    """Put every piece into exactly one package; no box above its weight or volume, each as small as it may be.

    The order of the arguments does not matter.
    """
    by_size = sorted(boxes, key=_size)
    open_boxes: list[_Open] = []
    unboxed: list[Package] = []
    for item in sorted(items, key=lambda item: (-item.sides.volume_mm3, -item.weight_g, item.sku)):
        largest = next((box for box in reversed(by_size) if _capacity(box, item)), None)
        if largest is None:
            unboxed += [_bare(item)] * item.quantity
            continue
        missing = item.quantity
        for box in open_boxes:
            missing -= box.take(item, missing)
        while missing:
            box = _Open(largest)
            missing -= box.take(item, missing)
            open_boxes.append(box)
    return (*(box.closed(by_size) for box in open_boxes), *unboxed)


def require_boxed(packages: Iterable[Package]) -> None:
    """Raise `ItemTooLarge` when a piece travels without a box."""
    for package in packages:
        if package.box is None and package.contents:
            sku = package.contents[0][0]
            raise ItemTooLarge(f"{sku} is too large or too heavy for any box", sku=sku)


class _Open:
    """A box that is being filled."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.contents: list[tuple[Item, int]] = []
        self.room_mm3 = box.sides.volume_mm3
        self.room_g = box.weight_g_max

    def take(self, item: Item, wanted: int) -> int:
        """Put in as many as fit; gives how many did."""
        if not self.box.sides.hold(item.sides):
            return 0
        fitting = min(wanted, self.room_mm3 // item.sides.volume_mm3, self.room_g // item.weight_g)
        if fitting:
            self.contents.append((item, fitting))
            self.room_mm3 -= fitting * item.sides.volume_mm3
            self.room_g -= fitting * item.weight_g
        return fitting

    def closed(self, by_size: Sequence[Box]) -> Package:
        """The contents in the smallest box that holds them."""
        weight_g = sum(item.weight_g * count for item, count in self.contents)
        volume_mm3 = sum(item.sides.volume_mm3 * count for item, count in self.contents)
        box = next(
            box
            for box in by_size
            if box.weight_g_max >= weight_g
            and box.sides.volume_mm3 >= volume_mm3
            and all(box.sides.hold(item.sides) for item, _ in self.contents)
        )
        contents = tuple(sorted((item.sku, count) for item, count in self.contents))
        return Package(box=box, contents=contents, weight_g=weight_g, volume_mm3=box.sides.volume_mm3)


def _size(box: Box) -> tuple[int, int, str]:
    return (box.sides.volume_mm3, box.weight_g_max, box.code)


def _capacity(box: Box, item: Item) -> bool:
    return box.sides.hold(item.sides) and box.weight_g_max >= item.weight_g


def _bare(item: Item) -> Package:
    return Package(box=None, contents=((item.sku, 1),), weight_g=item.weight_g, volume_mm3=item.sides.volume_mm3)
