"""What the catalog service publishes. Aggregate: the product."""

from typing import ClassVar
from uuid import UUID

import msgspec

from shared.contracts.envelope import Event, Topic

TOPIC = Topic(name="catalog.events")


class VariantFact(msgspec.Struct, frozen=True, kw_only=True):
    """One sellable variant; the price is in minor units, before tax."""

    sku: str
    options: dict[str, str]
    price_minor: int
    currency: str


class ProductUpserted(Event, frozen=True, kw_only=True):
    """The product as it stands after the change, whole."""

    type: ClassVar[str] = "product.upserted"
    topic: ClassVar[Topic] = TOPIC
    product_id: UUID
    slug: str
    title: str
    description: str
    category: str
    status: str
    variants: list[VariantFact]


class ProductDeleted(Event, frozen=True, kw_only=True):
    """The product is gone from the shop."""

    type: ClassVar[str] = "product.deleted"
    topic: ClassVar[Topic] = TOPIC
    product_id: UUID


class PriceChanged(Event, frozen=True, kw_only=True):
    """One variant costs something else from now on."""

    type: ClassVar[str] = "price.changed"
    topic: ClassVar[Topic] = TOPIC
    product_id: UUID
    sku: str
    price_minor: int
    currency: str
