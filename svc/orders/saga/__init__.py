"""The orchestrator of orders: the buyer's own request (placement) and whoever finishes what it left (resolver).

The only places that open transactions around remote calls; no transaction is open during one.
"""

from svc.orders.saga.placement import Placed, Placement
from svc.orders.saga.resolver import SagaResolver

__all__ = ["Placed", "Placement", "SagaResolver"]
