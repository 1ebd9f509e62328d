"""Customers fill a cart, look at it, buy, and watch their order until it is paid."""

from locust import between, task

from loadtests.customers.customer import Customer


class Buyer(Customer):
    wait_time = between(0.5, 1.5)

    @task
    def buys(self) -> None:
        lines = self.some_lines()
        for line in lines:
            self.change_cart("POST", "/items", {"sku": line.sku, "quantity": line.quantity})
        self.look("/cart", token=True)
        order = self.buy(lines)
        self.change_cart("DELETE")
        if order is not None:
            self.watch(order, patience_s=10.0)
