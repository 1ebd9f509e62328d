"""Customers fill a cart, look at it, buy, and watch their order until it is paid."""

from locust import between, task

from loadtests.customers.shopper import Shopper


class Buyer(Shopper):
    wait_time = between(0.5, 1.5)

    @task
    def go(self) -> None:
        self.buys()
