"""The shop for guests: the cart and the orders of whoever holds a token, without an account.

The routes are those of customers, with the guest in the customer's place. What is bound to an account (coupons with a
limit per customer) is refused; how often one person comes as a guest, nobody can know.
"""

from typing import Annotated

import msgspec
from litestar import Controller, Response, post
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, SkipValidation

from shared import one_time_tokens
from shared.identity import PUBLIC_OPT, Principal
from shared.ids import new_id
from svc.orders.api.access import guest_of
from svc.orders.api.cart import CartController
from svc.orders.api.order_history import HistoryController
from svc.orders.api.orders import KEYED_HEADERS, OrderController, place_order
from svc.orders.api.wire import GuestOrderCreate
from svc.orders.domain.guest import GUEST
from svc.orders.placing import Placement
from svc.orders.settings import Settings
from svc.orders.views import Order

HEADER = "X-Guest-Token"


class GuestToken(msgspec.Struct, frozen=True):
    """What a guest sends as `X-Guest-Token`. Only its holder sees the cart and the orders; it cannot be asked for."""

    guest_token: str


def provide_guest(
    config: NamedDependency[Settings],
    guest_token: Annotated[str | None, HeaderParameter(name=HEADER, max_length=200, required=False)] = None,
) -> Principal:
    """The guest who holds the token. Raises `UnknownGuest`."""
    return Principal(subject=str(guest_of(config, guest_token or "")), kind=GUEST)


_PUBLIC = {PUBLIC_OPT: True}
_AS_GUEST = {"principal": Provide(provide_guest, sync_to_thread=False)}


class GuestController(Controller):
    path = "/api/v1/guest"
    tags = ("guests",)
    opt = _PUBLIC

    @post("/")
    async def come(self, config: NamedDependency[Settings]) -> Response[GuestToken]:
        """Become a guest. Nothing is stored until something lies in the cart."""
        token = one_time_tokens.mint(config.internal_secret, GUEST, new_id())
        return Response(GuestToken(token), headers={"Cache-Control": "no-store"})


class GuestCartController(CartController):
    path = "/api/v1/guest/cart"
    tags = ("guests",)
    opt = _PUBLIC
    dependencies = _AS_GUEST


class GuestOrderController(OrderController):
    path = "/api/v1/guest/orders"
    tags = ("guests",)
    opt = _PUBLIC
    dependencies = _AS_GUEST

    @post(
        "/",
        responses={201: ResponseSpec(Order, description="the order; its stock is held")},
        response_headers=KEYED_HEADERS,
    )
    async def place(  # pyright: ignore[reportIncompatibleMethodOverride] a guest says where mails go
        self,
        principal: NamedDependency[Principal],
        data: JSONBody[GuestOrderCreate],
        placement: NamedDependency[SkipValidation[Placement]],
        idempotency_key: Annotated[str | None, HeaderParameter(name="Idempotency-Key", required=False)] = None,
    ) -> Response[bytes]:
        """Order the given goods, or the cart. Mails go to `email`; the order is looked up by the guest's token only."""
        return await place_order(placement, principal, data, email=data.email, key=idempotency_key)


class GuestHistoryController(HistoryController):
    path = "/api/v1/guest/orders"
    tags = ("guests",)
    opt = _PUBLIC
    dependencies = _AS_GUEST
