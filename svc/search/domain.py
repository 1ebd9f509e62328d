"""The rules of search: what is indexed of a product, and what a caller may wish. Pure."""

import unicodedata
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal

TERMS_MAX = 12
TERM_CHARACTERS_MAX = 40


class QueryInvalid(Refusal):
    """The words cannot be searched for; nothing was asked of the engine."""

    code = "invalid_query"
    kind = Kind.INVALID


class UnknownBuild(Refusal):
    code = "unknown_build"
    kind = Kind.NOT_FOUND


class Sort(StrEnum):
    RELEVANCE = "relevance"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    TITLE = "title"


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


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One stored document; `body` is None once the product is deleted."""

    product_id: UUID
    version: int
    body: ProductBody | None

    @property
    def is_indexed(self) -> bool:
        """Whether customers may find it; what is not active is taken out of the index."""
        return self.body is not None and self.body.status == "active"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller looks for. `terms` are cleaned words; prices, also those sorted by, are those in `currency`."""

    terms: tuple[str, ...] = ()
    category: str | None = None
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


def ancestors(category: str) -> list[str]:
    """The category and all above it, root first."""
    parts = category.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def indexed_fields(body: ProductBody) -> dict[str, Any]:
    """The fields of the index, mapped strictly; see index_definition."""
    return {
        "product_id": str(body.product_id),
        "slug": body.slug,
        "title": body.title,
        "description": body.description,
        "category": body.category,
        "category_paths": ancestors(body.category),
        "category_words": body.category.replace("/", " ").replace("-", " "),
        "skus": [variant.sku for variant in body.variants],
        "option_values": sorted(
            {f"{name}={value}" for variant in body.variants for name, value in variant.options.items()}
        ),
        "option_words": " ".join(sorted({value for variant in body.variants for value in variant.options.values()})),
        "prices": [
            {"currency": currency, "price_minor": price_minor}
            for currency, price_minor in sorted({(one.currency, one.price_minor) for one in body.variants})
        ],
        "variants": [msgspec.to_builtins(variant) for variant in body.variants],
    }
