"""What the answers of search look like, and the translation from what was found."""

from uuid import UUID

import msgspec

from shared.availability import Availability
from shared.money import Money, MoneyWire
from svc.search.answers import Bucket, Facets, Found, Hit, HitVariant, Suggestion


class VariantView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`availability` is left out where nobody knows yet."""

    sku: str
    options: dict[str, str]
    price: MoneyWire
    availability: Availability | None = None


class HitView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    slug: str
    title: str
    description: str
    category: str
    variants: list[VariantView]


class CategoryCount(msgspec.Struct, frozen=True):
    path: str
    count: int


class PriceCount(msgspec.Struct, frozen=True):
    """At least `from_amount`, less than `to_amount`; decimal strings of the wished currency."""

    from_amount: str
    to_amount: str | None
    count: int


class NamedCount(msgspec.Struct, frozen=True):
    """One value of an option or of an attribute; `name:value` filters by it."""

    name: str
    value: str
    count: int


class SellerCount(msgspec.Struct, frozen=True):
    seller_id: str
    count: int


class AvailabilityCount(msgspec.Struct, frozen=True):
    availability: Availability
    count: int


class FacetsView(msgspec.Struct, frozen=True, kw_only=True):
    """How many products there are for each value, as if its own filter were not set."""

    categories: list[CategoryCount]
    prices: list[PriceCount]
    options: list[NamedCount]
    attributes: list[NamedCount]
    sellers: list[SellerCount]
    availability: list[AvailabilityCount]


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`degraded`: the index is away and the catalog answered: no ranking, no facets, no count.

    `did_you_mean`: other words, where none is spelled as asked.
    """

    items: list[HitView]
    total: int | None
    facets: FacetsView
    did_you_mean: str | None
    next_cursor: str | None
    degraded: bool


class SuggestAnswer(msgspec.Struct, frozen=True):
    items: list[Suggestion]


def search_answer(found: Found, currency: str) -> SearchAnswer:
    """What customers read."""
    return SearchAnswer(
        items=[_hit(hit) for hit in found.hits],
        total=found.total,
        facets=_facets(found.facets, currency),
        did_you_mean=found.did_you_mean,
        next_cursor=found.next_cursor,
        degraded=found.degraded,
    )


def _facets(facets: Facets, currency: str) -> FacetsView:
    return FacetsView(
        categories=[CategoryCount(bucket.key, bucket.count) for bucket in facets.categories],
        prices=[_price(bucket, currency) for bucket in facets.prices],
        options=[NamedCount(*bucket.named, bucket.count) for bucket in facets.options],
        attributes=[NamedCount(*bucket.named, bucket.count) for bucket in facets.attributes],
        sellers=[SellerCount(bucket.key, bucket.count) for bucket in facets.sellers],
        availability=[AvailabilityCount(Availability(bucket.key), bucket.count) for bucket in facets.availability],
    )


def _hit(hit: Hit) -> HitView:
    return HitView(
        id=hit.product_id,
        slug=hit.slug,
        title=hit.title,
        description=hit.description,
        category=hit.category,
        variants=[_variant(variant) for variant in hit.variants],
    )


def _variant(variant: HitVariant) -> VariantView:
    price = Money(variant.price_minor, variant.currency).to_wire()
    return VariantView(variant.sku, variant.options, price, variant.availability)


def _price(bucket: Bucket, currency: str) -> PriceCount:
    upper = None if bucket.to_minor is None else Money(bucket.to_minor, currency).decimal_string
    return PriceCount(Money(bucket.from_minor or 0, currency).decimal_string, upper, bucket.count)
