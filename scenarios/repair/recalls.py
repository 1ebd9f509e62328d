"""Orders that an operator takes back because their customers say so: only they know what they asked for.

An order that is of other goods, or that came about by asking twice, looks like any other to every book.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Final

from compose.operator_error import OperatorError
from scenarios.checkers.standing import CANCELLED_STATUSES
from scenarios.evidence.rows import OrderRow
from scenarios.fleet import Fleet
from scenarios.repair import asking

NOT_STANDING: Final = CANCELLED_STATUSES | {"refunded"}


def standing(orders: Sequence[OrderRow], names: Collection[str]) -> tuple[str, ...]:
    """The ids of the orders so named that were not taken back yet. Raises OperatorError (order.unknown)."""
    unknown = set(names) - {name for order in orders for name in (order.id, order.number)}
    if unknown:
        raise OperatorError(
            "order.unknown",
            f"There is no order {', '.join(sorted(unknown))}.",
            mend="Name orders by their number or id.",
        )
    named = (order for order in orders if order.id in names or order.number in names)
    return tuple(sorted(order.id for order in named if order.status not in NOT_STANDING))


async def recall(fleet: Fleet, order_ids: Collection[str], *, reason: str) -> dict[str, str]:
    """Cancel and pay back each, once however often it is asked; does not wait.

    Gives the orders that refused with their reasons: one that does stops none of the others.
    """

    def recalled(order_id: str) -> Callable[[], Awaitable[object]]:
        path = f"/internal/orders/{order_id}/recall"
        return partial(fleet.call, "orders", "POST", path, json={"reason": reason})

    return await asking.refused((order_id, recalled(order_id)) for order_id in dict.fromkeys(order_ids))
