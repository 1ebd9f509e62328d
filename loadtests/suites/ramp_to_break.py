"""More and more people, until the shop has more than it can do; then it sheds, and what it accepts stays right."""

from locust import between, task

from loadtests.customers.shopper import Shopper


class Visitor(Shopper):
    wait_time = between(0.5, 1.5)

    @task
    def go(self) -> None:
        self.anything()
