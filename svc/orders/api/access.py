"""Whose orders a caller may see: one's own, and the staff everybody's; and who a guest is."""

from uuid import UUID

from shared import one_time_tokens
from shared.identity import Principal
from shared.one_time_tokens import TokenGone
from shared.unit_of_work import Connection
from svc.orders.domain.guest import GUEST, UnknownGuest
from svc.orders.domain.order import OrderNotFound
from svc.orders.settings import Settings
from svc.orders.store import orders
from svc.orders.store.orders import StoredOrder

STAFF = ("admin", "support")


async def visible(connection: Connection, order_id: UUID, principal: Principal) -> StoredOrder:
    """The order. Raises `OrderNotFound`, also for somebody else's: it is as good as absent."""
    order = await orders.find(connection, order_id)
    if order is None or not _may_see(principal, order.customer_id):
        raise OrderNotFound("there is no such order")
    return order


async def check_visible(connection: Connection, order_id: UUID, principal: Principal) -> None:
    """What `visible` refuses, without reading the whole order. Raises `OrderNotFound`."""
    owner = await orders.owner_of(connection, order_id)
    if owner is None or not _may_see(principal, owner):
        raise OrderNotFound("there is no such order")


def guest_of(config: Settings, token: str) -> UUID:
    """The guest who holds a token. Raises `UnknownGuest`."""
    try:
        return one_time_tokens.read(config.internal_secret, GUEST, token)
    except TokenGone:
        raise UnknownGuest("begin with POST /api/v1/guest and send its token as X-Guest-Token") from None


def _may_see(principal: Principal, owner: UUID) -> bool:
    return principal.sees_of(*STAFF) in {None, owner}
