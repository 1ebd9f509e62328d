"""Other services as orders sees them: catalog's prices, inventory's holds, shipping's and payments' quotes.

Never called inside a transaction; every call ends within its own limit and the request's deadline.
"""

from svc.orders.clients.catalog import Catalog, CatalogClient, Variant
from svc.orders.clients.exchange import (
    ConversionUnavailable,
    Exchange,
    ExchangeClient,
    NoExchangeRate,
    QuoteExpired,
    UnknownQuote,
)
from svc.orders.clients.inventory import Inventory, InventoryClient, Reservation
from svc.orders.clients.shipping import (
    DeliveryNotServed,
    InvalidAddress,
    ItemTooLarge,
    Parcel,
    ShippingClient,
    ShippingGoods,
    ShippingQuote,
    ShippingQuoteExpired,
    ShippingQuoteMismatch,
    ShippingRates,
    ShippingUnavailable,
    UnknownShippingQuote,
)
from svc.orders.clients.warehouse import Warehouse, WarehouseClient

__all__ = [
    "Catalog",
    "CatalogClient",
    "ConversionUnavailable",
    "DeliveryNotServed",
    "Exchange",
    "ExchangeClient",
    "InvalidAddress",
    "Inventory",
    "InventoryClient",
    "ItemTooLarge",
    "NoExchangeRate",
    "Parcel",
    "QuoteExpired",
    "Reservation",
    "ShippingClient",
    "ShippingGoods",
    "ShippingQuote",
    "ShippingQuoteExpired",
    "ShippingQuoteMismatch",
    "ShippingRates",
    "ShippingUnavailable",
    "UnknownQuote",
    "UnknownShippingQuote",
    "Variant",
    "Warehouse",
    "WarehouseClient",
]
