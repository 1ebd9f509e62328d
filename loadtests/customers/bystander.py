"""Two people who buy while others do something else, whom that must not disturb."""

from locust import between, task

from loadtests.customers.shopper import Shopper


class Bystander(Shopper):
    """Of every suite that imports it."""

    fixed_count = 2
    wait_time = between(0.5, 1.0)

    @task
    def go(self) -> None:
        self.buys()
