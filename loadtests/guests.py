"""Guests who search, look and buy, through the gateway: what the compose file's Locust plays."""

import os
import random
import uuid
from typing import Any

from locust import FastHttpUser, between, task

ADDRESS = {"name": "Guest", "line1": "1 Road", "city": "Dublin", "postal_code": "D02 X285", "country": "IE"}
WORDS = ("jacket", "shoe", "lamp", "chair", "watch")
API = "/api/v1"


class Guest(FastHttpUser):
    """One guest with a token of their own."""

    wait_time = between(0.5, 2.0)
    headers: dict[str, str]
    client: Any  # locust annotates its own only in part

    def on_start(self) -> None:
        self.headers = {"X-Guest-Token": self.client.post(f"{API}/guest").json()["guest_token"]}
        self.random = random.Random(os.urandom(8))

    @task(6)
    def search(self) -> None:
        self.client.get(f"{API}/search?q={self.random.choice(WORDS)}", name="search")

    @task(3)
    def look(self) -> None:
        self.client.get(f"{API}/products?limit=20", name="products")

    @task(1)
    def buy(self) -> None:
        line = {"sku": f"SKU-{self.random.randint(1, 50):05d}-M", "quantity": 1}
        self.client.post(f"{API}/guest/cart/items", json=line, headers=self.headers, name="cart")
        key = {"Idempotency-Key": uuid.uuid4().hex}
        body = {
            "email": f"{uuid.uuid4().hex[:12]}@example.com",
            "payment_method": "tok_visa",
            "shipping_address": ADDRESS,
        }
        self.client.post(f"{API}/guest/orders", json=body, headers={**self.headers, **key}, name="order")
