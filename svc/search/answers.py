"""What was found, read from the engine's answer, or from the catalog's page while the engine is away. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from shared.availability import Availability
from shared.pagination import encode_cursor
from svc.search.domain import NAMED, Document, ProductBody, VariantBody, Wish

UTF_16 = "utf-16-le"


class HitVariant(VariantBody, frozen=True, kw_only=True):
    """One variant of what was found; `availability` is None where nobody has looked yet."""

    availability: Availability | None = None


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    product_id: UUID
    slug: str
    title: str
    description: str
    category: str
    variants: tuple[HitVariant, ...]


class Bucket(msgspec.Struct, frozen=True):
    """One value of a facet; for prices the bounds are minor units, the upper one excluded."""

    key: str
    count: int
    from_minor: int | None = None
    to_minor: int | None = None

    @property
    def named(self) -> tuple[str, str]:
        """Name and value, of an option or an attribute."""
        name, _, value = self.key.partition(NAMED)
        return name, value


class Facets(msgspec.Struct, frozen=True):
    categories: tuple[Bucket, ...] = ()
    prices: tuple[Bucket, ...] = ()
    options: tuple[Bucket, ...] = ()
    attributes: tuple[Bucket, ...] = ()
    sellers: tuple[Bucket, ...] = ()
    availability: tuple[Bucket, ...] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """`total` is None where nobody counted; degraded answers have no facets, no ranking and no sort."""

    hits: tuple[Hit, ...]
    total: int | None
    facets: Facets = Facets()
    did_you_mean: str | None = None
    next_cursor: str | None = None
    degraded: bool = False


class Suggestion(msgspec.Struct, frozen=True):
    title: str
    slug: str


class CatalogFilter:
    """Compares what the catalog does not know how to, with a page of its products."""

    def __init__(self, wish: Wish, availability: Mapping[str, Availability]) -> None:
        self._wish = wish
        self._availability = availability

    def hits(self, documents: Sequence[Document]) -> tuple[Hit, ...]:
        """Those that fit."""
        return tuple(self._hit(one.body) for one in documents if one.body is not None and self._fits(one.body))

    def _hit(self, body: ProductBody) -> Hit:
        return Hit(
            product_id=body.product_id,
            slug=body.slug,
            title=body.title,
            description=body.description,
            category=body.category,
            variants=tuple(
                HitVariant(**msgspec.structs.asdict(variant), availability=self._availability.get(variant.sku))
                for variant in body.variants
            ),
        )

    def _fits(self, body: ProductBody) -> bool:
        wish = self._wish
        if wish.sellers and body.seller_id not in wish.sellers:
            return False
        if not _have(body.attributes, wish.attributes):
            return False
        if not (wish.has_price or wish.options or wish.availability):
            return True
        return any(self._variant_fits(variant) for variant in body.variants)

    def _variant_fits(self, variant: VariantBody) -> bool:
        wish = self._wish
        if wish.availability and self._availability.get(variant.sku) not in wish.availability:
            return False
        return _have(variant.options, wish.options) and _price_fits(variant, wish)


def found_of(answer: Mapping[str, Any], wish: Wish, snapshot: str, *, limit: int) -> Found:
    """One page of at most `limit` hits, of which one more was asked for."""
    rows = answer["hits"]["hits"]
    more = len(rows) > limit
    total = answer["hits"]["total"]["value"]
    exact = answer["aggregations"]["exactly"]["doc_count"]
    return Found(
        hits=tuple(msgspec.convert(row["_source"], Hit) for row in rows[:limit]),
        total=total,
        facets=_facets(answer["aggregations"], wish),
        did_you_mean=None if exact else _corrected(wish.text, answer.get("suggest")),
        next_cursor=encode_cursor(wish.order, _position(snapshot, rows[limit - 1]["sort"])) if more else None,
    )


def _position(snapshot: str, sort: Sequence[object]) -> list[object]:
    """What a cursor holds; the index as it stands has no place in a snapshot."""
    key, product_id, *place = sort
    return [snapshot, key, product_id, *(place or [0])]


def _corrected(text: str, suggested: Mapping[str, Any] | None) -> str | None:
    """The text with its unknown words replaced; None where there is nothing better. Java counts in UTF-16."""
    words = [word for word in suggested["spelling"] if word["options"]] if suggested else []
    if not words:
        return None
    units = text.encode(UTF_16)
    for word in reversed(words):
        start, end = 2 * word["offset"], 2 * (word["offset"] + word["length"])
        units = units[:start] + word["options"][0]["text"].encode(UTF_16) + units[end:]
    return units.decode(UTF_16)


def _facets(aggregations: Mapping[str, Any], wish: Wish) -> Facets:
    def products(name: str) -> tuple[Bucket, ...]:
        return _buckets(aggregations[name]["counted"]["buckets"])

    def offers(name: str) -> tuple[Bucket, ...]:
        return _buckets(aggregations[name]["offers"]["fitting"]["counted"]["buckets"])

    return Facets(
        categories=products("categories"),
        prices=offers("prices"),
        options=_replaced(offers("options"), {name: offers(f"option_{n}") for n, name in enumerate(wish.options)}),
        attributes=_replaced(
            products("attributes"), {name: products(f"attribute_{n}") for n, name in enumerate(wish.attributes)}
        ),
        sellers=products("sellers"),
        availability=offers("availability"),
    )


def _replaced(counted: tuple[Bucket, ...], own: Mapping[str, tuple[Bucket, ...]]) -> tuple[Bucket, ...]:
    """What a name is filtered by counts as if it were not; the names that are filtered by come first."""
    filtered = [bucket for name, buckets in own.items() for bucket in buckets if bucket.named[0] == name]
    return (*filtered, *(bucket for bucket in counted if bucket.named[0] not in own))


def _buckets(rows: Sequence[Mapping[str, Any]]) -> tuple[Bucket, ...]:
    found = (
        Bucket(
            str(row["key"]),
            row["products"]["doc_count"] if "products" in row else row["doc_count"],
            int(row["from"]) if "from" in row else None,
            int(row["to"]) if "to" in row else None,
        )
        for row in rows
    )
    return tuple(bucket for bucket in found if bucket.count > 0)


def _have(values: Mapping[str, str], wanted: Mapping[str, Sequence[str]]) -> bool:
    return all(values.get(name) in choices for name, choices in wanted.items())


def _price_fits(variant: VariantBody, wish: Wish) -> bool:
    if not wish.has_price:
        return True
    return (
        variant.currency == wish.currency
        and variant.price_minor >= (wish.price_minor_min or 0)
        and (wish.price_minor_max is None or variant.price_minor <= wish.price_minor_max)
    )
