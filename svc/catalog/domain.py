"""The rules of the catalog: what a product is, who may change it, and what a change is called. Pure."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from shared.availability import Availability, badge
from shared.errors import Kind, Refusal
from shared.ids import derived_id
from shared.tax_classes import TaxClass

CATEGORY_DEPTH_MAX = 6
VARIANTS_MAX = 100
ATTRIBUTES_MAX = 30
MEDIA_MAX = 20
RELATED_MAX = 20
WINDOWS_PER_PRICE_MAX = 50
WINDOW_DAYS_MAX = 366
EDITOR_ROLES = ("admin", "operator")


class ProductStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class UnknownProduct(Refusal):
    """There is none, or it is not the caller's to see; the two look alike."""

    code = "unknown_product"
    kind = Kind.NOT_FOUND


class UnknownCategory(Refusal):
    code = "unknown_category"
    kind = Kind.UNPROCESSABLE


class UnknownTaxClass(Refusal):
    """No such class of goods; `tax_classes` lists those there are."""

    code = "unknown_tax_class"
    kind = Kind.UNPROCESSABLE


class UnknownVariant(Refusal):
    code = "unknown_variant"
    kind = Kind.NOT_FOUND


class SlugTaken(Refusal):
    code = "slug_taken"
    kind = Kind.CONFLICT


class SkuTaken(Refusal):
    code = "sku_taken"
    kind = Kind.CONFLICT


class CategoryExists(Refusal):
    code = "category_exists"
    kind = Kind.CONFLICT


class CategoryCycle(Refusal):
    """A category cannot be moved below itself."""

    code = "category_cycle"
    kind = Kind.CONFLICT


class CategoryTooDeep(Refusal):
    """Something below the category would lie deeper than `depth_max`, or its path be too long."""

    code = "category_too_deep"
    kind = Kind.UNPROCESSABLE


class UnknownRelated(Refusal):
    """Products that are not there, or the product itself; `ids` names them."""

    code = "unknown_related"
    kind = Kind.UNPROCESSABLE


class InvalidWindow(Refusal):
    """A price holds from a moment to a later one that is to come, for WINDOW_DAYS_MAX at most."""

    code = "invalid_window"
    kind = Kind.UNPROCESSABLE


class WindowOverlaps(Refusal):
    """A SKU has one price at a time in a currency."""

    code = "window_overlaps"
    kind = Kind.CONFLICT


class TooManyWindows(Refusal):
    code = "too_many_windows"
    kind = Kind.UNPROCESSABLE


class PriceMissing(Refusal):
    """A price for a while stands in for one that holds otherwise, in the same currency."""

    code = "price_missing"
    kind = Kind.UNPROCESSABLE


class UnknownWindow(Refusal):
    code = "unknown_window"
    kind = Kind.NOT_FOUND


class FutureIsPrivate(Refusal):
    """What will be asked for later is the editors' to know."""

    code = "future_prices_private"
    kind = Kind.FORBIDDEN


class TooManyVariants(Refusal):
    code = "too_many_variants"
    kind = Kind.UNPROCESSABLE


class CurrencyRepeated(Refusal):
    """A variant has one price per currency."""

    code = "currency_repeated"
    kind = Kind.UNPROCESSABLE


class Price(msgspec.Struct, frozen=True, order=True, array_like=True):
    """What one unit costs in one currency, before tax, in minor units."""

    currency: str
    amount_minor: int


class Medium(msgspec.Struct, frozen=True, kw_only=True):
    """A picture or film in the shop's own media store, named by its key there; nothing is ever fetched by it."""

    key: str
    alt: str = ""


class Variant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sellable variant; the first price is in its home currency.

    `available` is what inventory last said, None where nobody asked or whoever reads does not care.
    """

    sku: str
    options: dict[str, str]
    prices: tuple[Price, ...]
    available: int | None = None

    @property
    def availability(self) -> Availability | None:
        return badge(self.available)

    def price(self, currency: str | None = None) -> Price:
        """The price in the wished currency, or the one in the home currency where there is none."""
        return next((price for price in self.prices if price.currency == currency), self.prices[0])


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product as others may know it. `version` counts its published changes and is its ETag."""

    id: UUID
    slug: str
    title: str
    description: str
    category: str
    status: str
    tax_class: str
    approved: bool
    seller_id: str | None
    version: int
    variants: tuple[Variant, ...]
    attributes: dict[str, str] = {}
    media: tuple[Medium, ...] = ()
    related: tuple[UUID, ...] = ()

    @property
    def visible(self) -> bool:
        """Whether customers see it."""
        return self.status == ProductStatus.ACTIVE and self.approved

    @property
    def shown_status(self) -> str:
        """The status the world is told: without the staff's approval an active product is still a draft."""
        return ProductStatus.DRAFT if self.status == ProductStatus.ACTIVE and not self.approved else self.status


class ProductWish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product as an import wants it to be. Fields with a default came later: left out, they change no fingerprint."""

    slug: str
    title: str
    description: str
    category: str
    status: str
    tax_class: str
    seller_id: str | None
    variants: tuple[Variant, ...]
    attributes: dict[str, str] = {}
    media: tuple[Medium, ...] = ()
    related: tuple[UUID, ...] = ()


def checked_move(path: str, to: str) -> str | None:
    """The parent that the moved category will have. Raises `CategoryCycle`."""
    if to == path or to.startswith(f"{path}/"):
        raise CategoryCycle("a category cannot be moved to itself or below itself")
    return parent_of(to)


def checked_window(begins: datetime, ends: datetime, *, now: datetime) -> None:
    """Raises `InvalidWindow`."""
    if begins >= ends or ends <= now or ends - begins > timedelta(days=WINDOW_DAYS_MAX):
        raise InvalidWindow(f"a price holds from a moment to a later one to come, for {WINDOW_DAYS_MAX} days at most")


def product_id_of(slug: str) -> UUID:
    """The id of an imported product, equal on every machine."""
    return derived_id("catalog.product", slug)


def fingerprint(wish: ProductWish) -> bytes:
    """Equal for equal content, so that importing the same again changes nothing."""
    return hashlib.sha256(msgspec.json.encode(wish, order="deterministic")).digest()


def ancestors(path: str) -> list[str]:
    """The category and all above it, root first: `a/b/c` gives `a`, `a/b`, `a/b/c`."""
    parts = path.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def parent_of(path: str) -> str | None:
    """The category above, None for a root."""
    return path.rpartition("/")[0] or None


def category_name(path: str) -> str:
    """A readable name for a category nobody named."""
    return path.rpartition("/")[2].replace("-", " ").capitalize()


def tax_class_of(name: str) -> TaxClass:
    """Raises `UnknownTaxClass`."""
    try:
        return TaxClass(name)
    except ValueError:
        known = [tax_class.value for tax_class in TaxClass]
        raise UnknownTaxClass(f"there is no tax class {name}", tax_classes=known) from None


def checked_prices(prices: Sequence[Price]) -> tuple[Price, ...]:
    """The prices as given. Raises `CurrencyRepeated`."""
    if len({price.currency for price in prices}) != len(prices):
        raise CurrencyRepeated("give one price per currency")
    return tuple(prices)


def price_changes(before: Sequence[Variant], after: Sequence[Variant]) -> list[tuple[str, Price]]:
    """SKU and new price of every variant whose home price is another one now; new variants are no change."""
    known = {variant.sku: variant.prices[0] for variant in before}
    return [
        (variant.sku, variant.prices[0])
        for variant in after
        if variant.sku in known and known[variant.sku] != variant.prices[0]
    ]
