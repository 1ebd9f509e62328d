"""Placing an order, to be read in this order: placement (the buyer's request), drafting (what it costs),
transactions (each one of them), resolver (finishes what a request left).

The only place that opens transactions around remote calls; no transaction is open during one.
"""

from svc.orders.placing.drafting import PlaceOrder, PreviewOrder
from svc.orders.placing.placement import Placed, Placement
from svc.orders.placing.resolver import SagaResolver

__all__ = ["PlaceOrder", "Placed", "Placement", "PreviewOrder", "SagaResolver"]
