"""An ordinary day that does not end: nothing grows, nothing gets slower."""

from locust import between, task

from loadtests.customers.shopper import Shopper


class Visitor(Shopper):
    wait_time = between(0.5, 1.5)

    @task
    def go(self) -> None:
        self.anything()
