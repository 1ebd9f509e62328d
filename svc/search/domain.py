"""The rules of search: what is indexed of a product, and what a caller may wish. Pure."""

import base64
import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from shared.availability import Availability, badge
from shared.errors import Kind, Refusal

TERMS_MAX = 12
TERM_CHARACTERS_MAX = 40
FILTER_VALUES_MAX = 20
"""Of all filters of a request together."""
FILTER_CHARACTERS_MAX = 261
"""A name of 60 characters, a value of 200, and what stands between them, as the catalog takes them."""
WORDS_COUNTED_CHARACTERS_MAX = 80
DIGITS_COUNTED_MAX = 4
NAMED = "\x1f"
"""Between name and value in the index; no name can hold it."""
CHANGES_COUNTED_MAX = 2**20 - 1
VERSION_COUNTED_MAX = 2**43 - 1


class QueryInvalid(Refusal):
    """The words cannot be searched for; nothing was asked of the engine."""

    code = "invalid_query"
    kind = Kind.INVALID


class InvalidFilter(Refusal):
    """A filter that cannot be read; `parameter` names it."""

    code = "invalid_filter"
    kind = Kind.INVALID


class CursorExpired(Refusal):
    """The list that the cursor belongs to is kept no longer; begin again without it."""

    code = "cursor_expired"
    kind = Kind.GONE


class UnknownBuild(Refusal):
    code = "unknown_build"
    kind = Kind.NOT_FOUND


class Sort(StrEnum):
    RELEVANCE = "relevance"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    TITLE = "title"
    POPULARITY = "popularity"


class VariantBody(msgspec.Struct, frozen=True, kw_only=True):
    """One variant as the catalog told it; the price is in minor units, before tax."""

    sku: str
    options: dict[str, str]
    price_minor: int
    currency: str


class ProductBody(msgspec.Struct, frozen=True, kw_only=True):
    """A product as the catalog told it."""

    product_id: UUID
    slug: str
    title: str
    description: str
    category: str
    status: str
    variants: tuple[VariantBody, ...]
    attributes: dict[str, str] = {}
    seller_id: str | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One stored document; `body` is None once the product is deleted.

    `changes` counts, from the product's newest version on, what changed of the things that are no part of it: what is
    left of its SKUs, and its `popularity`.
    """

    product_id: UUID
    version: int
    body: ProductBody | None
    changes: int = 0
    popularity: int = 0

    @property
    def is_indexed(self) -> bool:
        """Whether customers may find it; what is not active is taken out of the index."""
        return self.body is not None and self.body.status == "active"

    @property
    def skus(self) -> list[str]:
        return [variant.sku for variant in self.body.variants] if self.body else []

    @property
    def index_version(self) -> int:
        """What the engine orders writes by: first the product's version, then the changes since.

        Beyond the bounds it grows no more, and a later write is taken as an equal one.
        """
        counted = min(self.changes, CHANGES_COUNTED_MAX)
        return min(self.version, VERSION_COUNTED_MAX) * (CHANGES_COUNTED_MAX + 1) + counted


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller looks for. `terms` are cleaned words; prices, also those sorted by, are those in `currency`.

    Of one option or attribute any of its values will do; of different ones each must fit. Price, options and
    availability must fit one and the same variant.
    """

    terms: tuple[str, ...] = ()
    category: str | None = None
    options: dict[str, tuple[str, ...]] = {}
    attributes: dict[str, tuple[str, ...]] = {}
    sellers: tuple[str, ...] = ()
    availability: tuple[Availability, ...] = ()
    price_minor_min: int | None = None
    price_minor_max: int | None = None
    currency: str = "EUR"
    sort: Sort = Sort.RELEVANCE

    @property
    def text(self) -> str:
        return " ".join(self.terms)

    @property
    def has_price(self) -> bool:
        return self.price_minor_min is not None or self.price_minor_max is not None

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the words narrows it."""
        return self.has_price or any((self.category, self.options, self.attributes, self.sellers, self.availability))

    @property
    def order(self) -> str:
        """Names the list that this wish asks for, for its cursors: another question is another list."""
        digest = hashlib.blake2s(msgspec.json.encode(self, order="deterministic"), digest_size=9)
        return f"search:{base64.urlsafe_b64encode(digest.digest()).decode()}"


def terms_of(text: str) -> tuple[str, ...]:
    """The words of a caller's text, in one pass: normalised, without control characters, bounded in number and length.

    Raises `QueryInvalid`.
    """
    cleaned = "".join(" " if unicodedata.category(char).startswith("C") else char for char in text)
    words = unicodedata.normalize("NFKC", cleaned).split()
    if len(words) > TERMS_MAX:
        raise QueryInvalid(f"search for at most {TERMS_MAX} words", terms_max=TERMS_MAX)
    if any(len(word) > TERM_CHARACTERS_MAX for word in words):
        raise QueryInvalid(f"a word has at most {TERM_CHARACTERS_MAX} characters")
    return tuple(words)


def loggable(terms: Sequence[str]) -> str | None:
    """The words as they may be counted when they find nothing; None for what may be about a person.

    That is whatever holds an address (@) or more digits than a year has: phone and card numbers, postal codes.
    """
    text = " ".join(terms).casefold()
    if not text or len(text) > WORDS_COUNTED_CHARACTERS_MAX or "@" in text:
        return None
    return None if sum(char.isdigit() for char in text) > DIGITS_COUNTED_MAX else text


def named_values(parameter: str, given: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Values by name of `name:value` texts, sorted, so that equal wishes are equal. Raises `InvalidFilter`."""
    values: dict[str, set[str]] = {}
    for text in given:
        name, colon, value = text.partition(":")
        if not (colon and name and value) or len(text) > FILTER_CHARACTERS_MAX or not text.isprintable():
            raise InvalidFilter(f"{parameter} takes name:value", parameter=parameter)
        values.setdefault(name, set()).add(value)
    return {name: tuple(sorted(of)) for name, of in sorted(values.items())}


def check_filters(wish: Wish) -> None:
    """Raises `InvalidFilter` for more values than FILTER_VALUES_MAX."""
    named = [*wish.options.values(), *wish.attributes.values(), wish.sellers, wish.availability]
    if sum(map(len, named)) > FILTER_VALUES_MAX:
        raise InvalidFilter(f"filter by at most {FILTER_VALUES_MAX} values", values_max=FILTER_VALUES_MAX)


def ancestors(category: str) -> list[str]:
    """The category and all above it, root first."""
    parts = category.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def named(values: Mapping[str, str]) -> list[str]:
    """Names with their values, as the index holds them."""
    return sorted(f"{name}{NAMED}{value}" for name, value in values.items())


def indexed_fields(body: ProductBody, *, popularity: int = 0, stock: Mapping[str, int] | None = None) -> dict[str, Any]:
    """The fields of the index, mapped strictly; see index_definition. SKUs that `stock` lacks nobody has seen yet."""
    units = stock or {}
    badges = {variant.sku: badge(units.get(variant.sku)) for variant in body.variants}
    return {
        "product_id": str(body.product_id),
        "slug": body.slug,
        "title": body.title,
        "description": body.description,
        "category": body.category,
        "category_paths": ancestors(body.category),
        "category_words": body.category.replace("/", " ").replace("-", " "),
        "skus": [variant.sku for variant in body.variants],
        "seller_id": body.seller_id,
        "attributes": named(body.attributes),
        "attribute_words": " ".join(sorted(set(body.attributes.values()))),
        "option_words": " ".join(sorted({value for variant in body.variants for value in variant.options.values()})),
        "popularity": popularity,
        "sold_out": bool(badges) and set(badges.values()) == {Availability.OUT_OF_STOCK},
        "offers": [_offer(variant, badges[variant.sku]) for variant in body.variants],
        "variants": [
            {**msgspec.to_builtins(variant), "availability": badges[variant.sku]} for variant in body.variants
        ],
    }


def _offer(variant: VariantBody, availability: Availability | None) -> dict[str, Any]:
    return {
        "currency": variant.currency,
        "price_minor": variant.price_minor,
        "options": named(variant.options),
        "availability": availability,
    }
