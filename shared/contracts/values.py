"""Values that several events carry."""

from uuid import UUID

import msgspec

ERASED = "erased"
ERASED_EMAIL = "erased@shopstream.invalid"
"""Stands where the address of an erased person was; nothing is ever sent there."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A postal address; `country` is ISO 3166-1 alpha-2."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One priced line of an order; amounts are minor units of the order's currency, before tax.

    `seller_id` is whose product it is; None for the shop's own.
    """

    sku: str
    product_id: UUID
    title: str
    quantity: int
    unit_price_minor: int
    line_total_minor: int
    seller_id: str | None = None


class StockLine(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity of one SKU held, released or taken at one warehouse."""

    sku: str
    quantity: int
    warehouse: str
