"""What customers would tell an operator: by the clients' own history, orders that they did not ask for as they are.

No book shows these; `--recall` names them to a repair.
"""

from collections import defaultdict

from scenarios.checkers.standing import goods
from scenarios.evidence import Evidence


def complaints(evidence: Evidence) -> frozenset[str]:
    """Orders of other goods than asked for, every order but the first of one key, and orders that nobody asked for."""
    return _of_other_goods(evidence) | _again_for_one_key(evidence) | _never_asked_for(evidence)


def _of_other_goods(evidence: Evidence) -> frozenset[str]:
    return frozenset(
        order_id
        for order_id, purchase in evidence.confirmed.items()
        if order_id in evidence.orders and goods(evidence.lines_of.get(order_id, ())) != goods(purchase.lines)
    )


def _again_for_one_key(evidence: Evidence) -> frozenset[str]:
    by_key: dict[tuple[str, str], set[str]] = defaultdict(set)
    for order_id, purchase in evidence.confirmed.items():
        if order_id in evidence.orders:
            by_key[purchase.customer_id, purchase.key].add(order_id)
    first_to_last = (
        sorted(order_ids, key=lambda order_id: (evidence.orders[order_id].placed_at, order_id))
        for order_ids in by_key.values()
    )
    return frozenset(order_id for order_ids in first_to_last for order_id in order_ids[1:])


def _never_asked_for(evidence: Evidence) -> frozenset[str]:
    """Told of by no answer and placed under no key of a customer of the run, who has its mail."""
    customers = {purchase.customer_id for purchase in evidence.purchases}
    keys = {(purchase.customer_id, purchase.key) for purchase in evidence.purchases}
    return frozenset(
        order.id
        for order in evidence.audit.orders
        if order.customer_id in customers
        and (order.customer_id, order.idempotency_key) not in keys
        and order.id not in evidence.confirmed
    )
