"""What the catalog service publishes. Aggregate: the product."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from shared.contracts.envelope import Event, Topic, Upcaster

TOPIC = Topic(name="catalog.events")


class VariantFact(msgspec.Struct, frozen=True, kw_only=True):
    """One sellable variant; the price is in minor units, before tax."""

    sku: str
    options: dict[str, str]
    price_minor: int
    currency: str


class PriceFact(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant costs, in minor units, before tax."""

    price_minor: int
    currency: str


class ProductUpserted(Event, frozen=True, kw_only=True):
    """The product as it stands after the change, whole, at the prices in force then.

    Where a release of before did not tell them `attributes` is empty and `seller_id` None, as it is for the shop's own.
    """

    type: ClassVar[str] = "product.upserted"
    topic: ClassVar[Topic] = TOPIC
    product_id: UUID
    slug: str
    title: str
    description: str
    category: str
    status: str
    variants: list[VariantFact]
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    seller_id: str | None = None


class ProductDeleted(Event, frozen=True, kw_only=True):
    """The product is gone from the shop."""

    type: ClassVar[str] = "product.deleted"
    topic: ClassVar[Topic] = TOPIC
    product_id: UUID


def _one_of_many(data: dict[str, Any]) -> dict[str, Any]:
    price = {"price_minor": data["price_minor"], "currency": data["currency"]}
    return {"product_id": data["product_id"], "prices": {data["sku"]: price}}


class PriceChanged(Event, frozen=True, kw_only=True):
    """Variants of one product, by SKU, cost something else from now on.

    Version 1 told each variant in an event of its own: `sku`, `price_minor`, `currency`.
    """

    type: ClassVar[str] = "price.changed"
    topic: ClassVar[Topic] = TOPIC
    schema_version: ClassVar[int] = 2
    upcasters: ClassVar[Mapping[int, Upcaster]] = {1: _one_of_many}
    product_id: UUID
    prices: dict[str, PriceFact]
