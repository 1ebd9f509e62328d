"""A crowd comes all at once for one thing of which there is little; whoever gets none is told so."""

from locust import between, task

from loadtests.customers.shopper import Shopper
from scenarios.history import WantedLine

SOLD_OUT = frozenset({"insufficient_stock"})


class Rusher(Shopper):
    wait_time = between(0.5, 1.5)

    @task
    def go(self) -> None:
        sku = self.stage.scarce_sku
        self.look(f"/products/{sku.lower()}", name="/products/{slug}")
        order = self.buy((WantedLine(sku, 1),), expected=SOLD_OUT)
        if order is not None:
            self.watch(order, patience_s=10.0)
