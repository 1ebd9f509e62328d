"""What the catalog's requests and answers look like, and the translation between wire and domain."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec

from shared.availability import Availability
from shared.currencies import Currency
from shared.errors import Kind, Refusal
from shared.money import InvalidMoneyError, Money, MoneyWire
from shared.tax_classes import TaxClass
from shared.validated import PRICE_MINOR_MAX, STORABLE, AmountMinor, CategoryPath, PriceMinor, Sku, Slug, line, matching
from svc.catalog.domain import (
    ATTRIBUTES_MAX,
    MEDIA_MAX,
    RELATED_MAX,
    VARIANTS_MAX,
    Medium,
    Price,
    Product,
    ProductStatus,
    ProductWish,
    UnknownProduct,
    Variant,
    checked_prices,
    tax_class_of,
)
from svc.catalog.handlers import ProductEdit

BATCH_MAX = 100
CURRENCIES_MAX = 10
OPTIONS_MAX = 10

Title = Annotated[str, line(200)]
Description = Annotated[str, msgspec.Meta(max_length=4_000, pattern=STORABLE)]
CategoryName = Annotated[str, line(80)]
TaxClassName = Annotated[str, line(40)]
"""One of `TaxClass`; checked by `tax_class_of`, which tells an unknown one from a body that cannot be read."""
OptionText = Annotated[str, line(60)]
Options = Annotated[dict[OptionText, OptionText], msgspec.Meta(max_length=OPTIONS_MAX)]
AttributeText = Annotated[str, line(200)]
Attributes = Annotated[dict[OptionText, AttributeText], msgspec.Meta(max_length=ATTRIBUTES_MAX)]
MediaKey = Annotated[str, matching(r"[a-z0-9][a-z0-9_-]*(?:[./][a-z0-9_-]+)*", 200)]
"""A key of the media store, such as `mugs/blue.1.jpg`: no address, no way up a folder."""


class NegativePrice(Refusal):
    code = "negative_price"
    kind = Kind.UNPROCESSABLE


class InvalidFilter(Refusal):
    """A list parameter that cannot be read; `parameter` names it."""

    code = "invalid_filter"
    kind = Kind.INVALID


class VariantView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`price` is in the wished currency where there is one; `prices` lists all when there are several.

    `availability` is left out where nobody knows yet.
    """

    sku: str
    options: dict[str, str]
    price: MoneyWire
    prices: list[MoneyWire] = []
    availability: Availability | None = None


class MediaView(msgspec.Struct, frozen=True):
    """`key` in the shop's media store, and what to say of it to those who do not see it."""

    key: str
    alt: str


class ProductView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    slug: str
    title: str
    description: str
    category: str
    status: str
    version: int
    variants: list[VariantView]
    attributes: dict[str, str] = {}
    media: list[MediaView] = []
    seller_id: str | None = None


class ProductList(msgspec.Struct, frozen=True):
    items: list[ProductView]


class MediaWrite(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    key: MediaKey
    alt: Annotated[str, msgspec.Meta(max_length=200, pattern=STORABLE)] = ""


MediaList = Annotated[list[MediaWrite], msgspec.Meta(max_length=MEDIA_MAX)]
RelatedList = Annotated[list[UUID], msgspec.Meta(max_length=RELATED_MAX)]


class VariantWrite(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The first price is in the home currency."""

    options: Options = {}
    prices: Annotated[list[MoneyWire], msgspec.Meta(min_length=1, max_length=CURRENCIES_MAX)]


class VariantCreate(VariantWrite, frozen=True, forbid_unknown_fields=True, kw_only=True):
    sku: Sku


class ProductCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    slug: Slug
    title: Title
    description: Description = ""
    category: CategoryPath
    status: ProductStatus = ProductStatus.DRAFT
    tax_class: TaxClassName = TaxClass.STANDARD
    variants: Annotated[list[VariantCreate], msgspec.Meta(max_length=VARIANTS_MAX)] = []
    attributes: Attributes = {}
    media: MediaList = []
    related: RelatedList = []


class ProductPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    title: Title | None = None
    description: Description | None = None
    category: CategoryPath | None = None
    status: ProductStatus | None = None
    tax_class: TaxClassName | None = None
    attributes: Attributes | None = None
    media: MediaList | None = None
    related: RelatedList | None = None


class StaffWrite(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    approved: bool
    is_featured: bool = False
    cost_minor: AmountMinor | None = None


class CategoryView(msgspec.Struct, frozen=True):
    path: str
    name: str
    products: int


class CategoryList(msgspec.Struct, frozen=True):
    items: list[CategoryView]


class CategoryCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: CategoryPath
    name: CategoryName


class CategoryMove(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`to` is the whole new path; the category above it must be there."""

    path: CategoryPath
    to: CategoryPath


class CategoryMoved(msgspec.Struct, frozen=True):
    """How many categories have another path, and how many products lie in them."""

    categories: int
    products: int


class ImportPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: Currency
    price_minor: PriceMinor


class ImportVariant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`other_prices`: the same variant in other currencies."""

    sku: Sku
    options: Options = {}
    price_minor: PriceMinor
    currency: Currency = "EUR"
    other_prices: Annotated[list[ImportPrice], msgspec.Meta(max_length=CURRENCIES_MAX - 1)] = []


class ImportProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Categories that are missing are made."""

    slug: Slug
    title: Title
    description: Description = ""
    category: CategoryPath
    status: ProductStatus = ProductStatus.ACTIVE
    tax_class: TaxClassName = TaxClass.STANDARD
    seller_id: Annotated[str, line(80)] | None = None
    variants: Annotated[list[ImportVariant], msgspec.Meta(min_length=1, max_length=VARIANTS_MAX)]
    attributes: Attributes = {}
    media: MediaList = []


def product_view(product: Product, currency: str | None = None) -> ProductView:
    """What customers read: no staff field, and money as decimal strings."""
    return ProductView(
        id=product.id,
        slug=product.slug,
        title=product.title,
        description=product.description,
        category=product.category,
        status=product.shown_status,
        version=product.version,
        variants=[_variant_view(variant, currency) for variant in product.variants],
        attributes=product.attributes,
        media=[MediaView(medium.key, medium.alt) for medium in product.media],
        seller_id=product.seller_id,
    )


def _variant_view(variant: Variant, currency: str | None) -> VariantView:
    several = len(variant.prices) > 1
    return VariantView(
        variant.sku,
        variant.options,
        _money(variant.price(currency)),
        [_money(price) for price in variant.prices] if several else [],
        variant.availability,
    )


def _media(written: Sequence[MediaWrite]) -> tuple[Medium, ...]:
    return tuple(Medium(key=one.key, alt=one.alt) for one in written)


def edit_of(patch: ProductPatch) -> ProductEdit:
    """What an editor wants changed."""
    return ProductEdit(
        title=patch.title,
        description=patch.description,
        category=patch.category,
        status=patch.status,
        tax_class=patch.tax_class,
        attributes=patch.attributes,
        media=None if patch.media is None else _media(patch.media),
        related=None if patch.related is None else tuple(dict.fromkeys(patch.related)),
    )


def price_of(wire: MoneyWire) -> Price:
    """Raises `InvalidMoneyError`, `NegativePrice`."""
    price = Money.from_wire(wire)
    if price.amount_minor < 0:
        raise NegativePrice("a price is not negative")
    if price.amount_minor > PRICE_MINOR_MAX:
        raise InvalidMoneyError(f"a price is at most {PRICE_MINOR_MAX} minor units")
    return Price(price.currency, price.amount_minor)


def _money(price: Price) -> MoneyWire:
    return Money(price.amount_minor, price.currency).to_wire()


def variant_of(sku: str, write: VariantWrite) -> Variant:
    """Raises `InvalidMoneyError`, `NegativePrice`, `CurrencyRepeated`."""
    return Variant(
        sku=sku,
        options=write.options,
        prices=checked_prices([price_of(wire) for wire in write.prices]),
    )


def wish_of(create: ProductCreate) -> ProductWish:
    """Raises `UnknownTaxClass` and what `variant_of` raises."""
    return ProductWish(
        slug=create.slug,
        title=create.title,
        description=create.description,
        category=create.category,
        status=create.status,
        tax_class=tax_class_of(create.tax_class),
        seller_id=None,
        variants=tuple(variant_of(variant.sku, variant) for variant in create.variants),
        attributes=create.attributes,
        media=_media(create.media),
        related=tuple(dict.fromkeys(create.related)),
    )


def imported_wish(item: ImportProduct) -> ProductWish:
    """Raises `UnknownTaxClass`, `CurrencyRepeated`."""
    return ProductWish(
        slug=item.slug,
        title=item.title,
        description=item.description,
        category=item.category,
        status=item.status,
        tax_class=tax_class_of(item.tax_class),
        seller_id=item.seller_id,
        variants=tuple(
            Variant(
                sku=variant.sku,
                options=variant.options,
                prices=checked_prices(
                    [
                        Price(variant.currency, variant.price_minor),
                        *(Price(price.currency, price.price_minor) for price in variant.other_prices),
                    ]
                ),
            )
            for variant in item.variants
        ),
        attributes=item.attributes,
        media=_media(item.media),
    )


def none_match(if_none_match: str | None, tag: str) -> bool:
    """Whether the client lacks the version of this tag: RFC 9110, 13.1.2, which compares weakly."""
    known = {text.strip().removeprefix("W/") for text in (if_none_match or "").split(",")}
    return known.isdisjoint({tag, "*"})


def product_id_of(reference: str) -> UUID:
    """Editing goes by id. Raises `UnknownProduct`."""
    try:
        return UUID(reference)
    except ValueError:
        raise UnknownProduct("there is no such product") from None


def listed(parameter: str, text: str | None) -> tuple[str, ...] | None:
    """A comma-separated parameter of 1 to BATCH_MAX values. Raises `InvalidFilter`."""
    if text is None:
        return None
    values = tuple(dict.fromkeys(value for value in text.split(",") if value))
    if not values or len(values) > BATCH_MAX:
        raise InvalidFilter(f"{parameter} takes 1 to {BATCH_MAX} values", parameter=parameter)
    return values


def listed_ids(parameter: str, text: str | None) -> tuple[UUID, ...] | None:
    """The same for ids. Raises `InvalidFilter`."""
    values = listed(parameter, text)
    try:
        return None if values is None else tuple(UUID(value) for value in values)
    except ValueError:
        raise InvalidFilter(f"{parameter} takes ids", parameter=parameter) from None
