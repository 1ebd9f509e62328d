"""Planted: a coupon's uses are looked at when an order is priced, and counted when it is placed."""

from typing import Any

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.orders.placing import Placed, Placement, PlaceOrder
from svc.orders.placing.refusals import CouponExhausted

CARD = DefectCard(
    id="coupons-counted-first",
    title="A coupon for one order is good for a crowd",
    parts=("orders.placement",),
    root_cause="Whether the coupon may still be used is read before the stock is held, and written after.",
    caught_by=("INV-23.coupon-race",),
    exposed_by="Orders with one coupon at the same moment.",
    symptoms="A voucher for the first customer was paid out to sixty; one at a time it works once.",
    fix="Take the use in the order's own transaction by a conditional update.",
    origin="CWE-362; PortSwigger, race conditions (limit overrun of a discount code).",
)

_USED_UP = "SELECT uses >= uses_max FROM coupons WHERE code = $1"
_COUNT = "UPDATE coupons SET uses = least(uses + 1, coalesce(uses_max, uses + 1)) WHERE code = $1"


def twin(_healthy: type[Placement], _settings: ServiceSettings) -> type[Placement]:
    """Placement that looks first."""
    return CountingPlacement


class CountingPlacement(Placement):
    """Prices with the coupon, and forgets to take it with the order."""

    async def draft(self, command: Any, identity: Any) -> Any:
        draft = await super().draft(command, identity)
        if draft.coupon is None:
            return draft
        async with self._database.acquire() as connection:
            if await connection.fetchval(_USED_UP, draft.coupon):
                raise CouponExhausted("this coupon has been used up", coupon=draft.coupon)
        return msgspec.structs.replace(draft, coupon=None)

    async def place(self, command: PlaceOrder) -> Placed:
        placed = await super().place(command)
        if command.coupon is not None and placed.answer.status < 300:
            async with self._database.acquire() as connection:
                await connection.execute(_COUNT, command.coupon.upper())
        return placed


TWINS: Twins = {"orders.placement": twin}
