"""An ordinary day, shortened: most look, some search, a few buy; more come at noon than in the morning."""

from locust import between, task

from loadtests.customers.shopper import Shopper


class Visitor(Shopper):
    wait_time = between(0.5, 1.5)

    @task
    def go(self) -> None:
        self.anything()
