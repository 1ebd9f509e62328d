"""The replaceable parts of orders."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from shared.contracts import Envelope
from shared.kafka_consumer import ConsumerRunner
from shared.service_parts import ServiceParts
from shared.unit_of_work import UnitOfWork
from svc.orders.batches import OrderBatches
from svc.orders.cancelling import Cancelling
from svc.orders.clients import CatalogClient, ExchangeClient, InventoryClient, ShippingClient, WarehouseClient
from svc.orders.domain.cart import merge_lines
from svc.orders.handlers import facts
from svc.orders.handlers.carts import Merge
from svc.orders.handlers.reading import CartReader, OrderHistory
from svc.orders.handlers.returns import take_return
from svc.orders.placing import Placement, SagaResolver
from svc.orders.pricing import PriceOrder, calculate_order_total


class TakeFact(Protocol):
    """A cancellation that the fact causes has `patience` to be undone."""

    async def __call__(self, uow: UnitOfWork, envelope: Envelope[Any], *, patience: timedelta) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    consumer: type[ConsumerRunner] = OrderBatches
    """Facts applied in batches."""
    catalog: type[CatalogClient] = CatalogClient
    """Today's prices."""
    inventory: type[InventoryClient] = InventoryClient
    """Stock held, asked after and given back, by the order's id."""
    shipping: type[ShippingClient] = ShippingClient
    """Quotes."""
    exchange: type[ExchangeClient] = ExchangeClient
    """Rates that payments promises."""
    warehouse: type[WarehouseClient] = WarehouseClient
    """Goods asked back from shipping before anything is undone."""
    cancelling: type[Cancelling] = Cancelling
    """An order cancelled or recalled, by a request or by the saga."""
    placement: type[Placement] = Placement
    """An order placed within the buyer's request."""
    price_order: PriceOrder = calculate_order_total
    """What an order costs."""
    resolver: type[SagaResolver] = SagaResolver
    """What a request left or facts did not settle, finished later."""
    history: type[OrderHistory] = OrderHistory
    """A customer's orders, a page at a time."""
    cart_reader: type[CartReader] = CartReader
    """A customer's cart, for looking at it."""
    merge_lines: Merge = merge_lines
    """A guest's cart brought into the customer's, one line per SKU."""
    take_payment: TakeFact = facts.take_payment
    """payment.processed"""
    fail_payment: TakeFact = facts.fail_payment
    """payment.failed"""
    refund_payment: TakeFact = facts.refund_payment
    """payment.refunded"""
    reverse_refund: TakeFact = facts.reverse_refund
    """payment.refund_reversed"""
    fail_refund: TakeFact = facts.fail_refund
    """payment.refund_failed"""
    note_dispute: TakeFact = facts.note_dispute
    """payment.disputed"""
    lose_stock: TakeFact = facts.lose_stock
    """inventory.rejected"""
    release_stock: TakeFact = facts.release_stock
    """inventory.released"""
    see_shipment_created: TakeFact = facts.see_shipment_created
    """shipment.created"""
    see_dispatch: TakeFact = facts.see_dispatch
    """shipment.dispatched"""
    see_delivery: TakeFact = facts.see_delivery
    """shipment.delivered"""
    take_return: TakeFact = take_return
    """return.received"""


HEALTHY = Parts()
