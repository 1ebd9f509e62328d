"""Visitors look around; two people buy meanwhile, whom that must not disturb."""

from locust import between, task

from loadtests.customers.bystander import Bystander
from loadtests.customers.shopper import Shopper

__all__ = ["Bystander", "Visitor"]


class Visitor(Shopper):
    wait_time = between(0.2, 0.8)

    @task
    def go(self) -> None:
        self.browses()
