"""Visitors look around; two people buy meanwhile, whom that must not disturb."""

from locust import between, task

from loadtests.customers.shopper import Shopper


class Visitor(Shopper):
    wait_time = between(0.2, 0.8)

    @task
    def go(self) -> None:
        self.browses()


class Bystander(Shopper):
    fixed_count = 2
    wait_time = between(0.5, 1.0)

    @task
    def go(self) -> None:
        self.buys()
