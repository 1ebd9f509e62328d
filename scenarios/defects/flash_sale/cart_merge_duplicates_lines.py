"""Planted: a guest's lines are put beside the customer's at login, those that are there already once more."""

from collections.abc import Sequence
from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.orders.domain.cart import CartLine, sum_lines

CARD = DefectCard(
    id="cart-merge-duplicates-lines",
    title="A merged cart has its lines twice",
    parts=("orders.merge_lines",),
    root_cause=(
        "At login the guest's lines are appended to the customer's, without a look at what is there. A line that an "
        "earlier login, or a request that was sent again, brought along already counts once more."
    ),
    caught_by=("INV-09",),
    exposed_by="Somebody who logs in twice with the same cart: two devices, or a client that asks again.",
    symptoms=(
        "Customers get and pay for two of what they wanted one of. Cart, order, stock and money agree with each other; "
        "only the customer's wish does not."
    ),
    fix="One line per SKU with the greater of both quantities, so that merging again changes nothing.",
    origin="commercetools SDK, issue 477: cart merge creates duplicate line items; carts summed at each login.",
)


def twin(_healthy: Any, _settings: ServiceSettings) -> Any:
    """A merge by concatenation."""

    def merge(own: Sequence[CartLine], other: Sequence[CartLine]) -> list[CartLine]:
        return sum_lines([*own, *other])

    return merge


TWINS: Twins = {"orders.merge_lines": twin}
