"""Planted: a line's price is what its sender says."""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send
from msgspec.structs import replace

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.edges import given_again, whole_body
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings
from svc.orders.pricing import Line, PriceOrder, Totals

CARD = DefectCard(
    id="price-from-client",
    title="The client says what things cost",
    parts=("orders.authentication", "orders.price_order"),
    root_cause="The page shows the price and sends it along; the service uses what it is sent.",
    caught_by=("INV-23.client-price",),
    exposed_by="An order whose lines bring a price.",
    symptoms="Orders for a cent; stock, payment and ledger agree on it.",
    fix="Take goods and quantities from a client, prices from the catalog.",
    origin="CWE-472; Juice Shop, payback time; OWASP API3:2023.",
)


said: ContextVar[int | None] = ContextVar("said", default=None)
"""The price that the request under way brings, in minor units."""


def listening(_healthy: type[AuthenticationMiddleware], _settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """A door that takes the price from the body."""
    return Listening


class Listening(AuthenticationMiddleware):
    """Remembers the price of a line and lets the handler see the rest."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"].rstrip("/")) != ("POST", "/api/v1/orders"):
            await super().__call__(scope, receive, send)
            return
        body = await whole_body(receive)
        wish: Any = msgspec.json.decode(body)
        prices = [line.pop("unit_price_minor", None) for line in wish.get("items", ()) if isinstance(line, dict)]
        token = said.set(next((price for price in prices if price is not None), None))
        kept = msgspec.json.encode(wish) if said.get() is not None else body
        scope["headers"] = [
            (name, str(len(kept)).encode() if name == b"content-length" else value) for name, value in scope["headers"]
        ]
        try:
            await super().__call__(scope, given_again(kept, receive), send)
        finally:
            said.reset(token)


def obeying(healthy: PriceOrder, _settings: ServiceSettings) -> PriceOrder:
    """A price that was said."""

    def price(lines: Sequence[Line], **terms: Any) -> Totals:
        wanted = said.get()
        told = lines if wanted is None else [replace(line, unit_price_minor=wanted) for line in lines]
        return healthy(told, **terms)

    return price


TWINS: Twins = {"orders.authentication": listening, "orders.price_order": obeying}
