"""Rare states that clients saw: races for the last unit, repeats, refusals, answers that never came."""

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise

from scenarios.checkers.no_oversell import supply_at
from scenarios.checkers.standing import is_sold, units
from scenarios.evidence.bundle import Evidence
from scenarios.history import MERGE_CART, Operation
from scenarios.rare_states.state import RareState

GIVEN_BACK = frozenset({"released", "expired"})


def _last_unit_raced(evidence: Evidence) -> int:
    return sum(_rivals(evidence, sku) for sku in evidence.facts.scarce_skus)


def _rivals(evidence: Evidence, sku: str) -> int:
    """Purchases under way at the moment when holds had first taken all that there was by then."""
    moves: list[tuple[float, int]] = []
    for hold in evidence.audit.reservations:
        if hold.sku == sku:
            moves.append((hold.created_at, hold.quantity))
            if hold.status in GIVEN_BACK and hold.ended_at is not None:
                moves.append((hold.ended_at, -hold.quantity))
    taken = 0
    for at, quantity in sorted(moves):
        taken += quantity
        if taken >= (supply_at(evidence, sku, at) or float("inf")):
            return sum(
                bool(one.units(sku)) and one.invoked_at <= at < (one.completed_at or at) for one in evidence.purchases
            )
    return 0


def _sold_again(evidence: Evidence) -> int:
    """Units of scarce goods confirmed beyond the supply, which is legal only where others came back."""
    return sum(
        max(
            0,
            sum(purchase.units(sku) for purchase in evidence.confirmed.values())
            - sum(step.quantity for step in evidence.facts.supply if step.sku == sku),
        )
        for sku in evidence.facts.scarce_skus
    )


def _restock_sold(evidence: Evidence) -> int:
    """Units sold beyond those of the opening, of goods that came in later too."""
    count = 0
    for sku in {step.sku for step in evidence.facts.supply if not step.opening}:
        sold = sum(units(evidence, order.id, sku) for order in evidence.audit.orders if is_sold(evidence, order))
        count += max(0, sold - (supply_at(evidence, sku, 0.0) or 0))
    return count


def _cart_merged_again(evidence: Evidence) -> int:
    merges = Counter(
        operation.attempt.customer_id
        for operation in evidence.operations
        if operation.invoke.function == MERGE_CART and operation.outcome == "ok"
    )
    return sum(purchase.from_cart and merges[purchase.customer_id] > 1 for purchase in evidence.confirmed.values())


def _refused(*codes: str) -> Callable[[Evidence], int]:
    def count(evidence: Evidence) -> int:
        return sum(operation.outcome == "fail" and operation.error in codes for operation in evidence.operations)

    return count


def _stored_answer_repeated(evidence: Evidence) -> int:
    return sum(operation.answer.replayed for operation in evidence.operations)


def _answer_lost(evidence: Evidence) -> int:
    """Orders that exist though an attempt at them was never answered."""
    stored = {(order.customer_id, order.idempotency_key) for order in evidence.audit.orders}
    unknown = {(one.customer_id, one.key) for one in evidence.purchases if one.outcome == "info"}
    return len(stored & unknown)


def _both_clicks_raced(evidence: Evidence) -> int:
    """Attempts that began while another under the same customer's key was under way."""
    attempts: dict[tuple[str, str, str], list[Operation]] = defaultdict(list)
    for operation in evidence.operations:
        if operation.invoke.key:
            scope = operation.invoke.function, operation.attempt.customer_id, operation.invoke.key
            attempts[scope].append(operation)
    return sum(
        later.invoke.time_s < earlier.last.time_s for group in attempts.values() for earlier, later in pairwise(group)
    )


def _equal_keys_of_two(evidence: Evidence) -> int:
    owners: dict[str, set[str]] = defaultdict(set)
    for purchase in evidence.purchases:
        if purchase.outcome == "ok":
            owners[purchase.key].add(purchase.customer_id)
    return sum(len(customers) > 1 for customers in owners.values())


LAST_UNIT_RACED = RareState("last-unit-raced", "others were buying when the last unit was taken", _last_unit_raced)
SOLD_OUT_REFUSED = RareState(
    "sold-out-refused", "buyers were told that nothing is left", _refused("insufficient_stock")
)
SOLD_AGAIN = RareState("sold-again", "units that came back were confirmed to somebody else", _sold_again)
RESTOCK_SOLD = RareState("restock-sold", "units that came in during the sale were sold", _restock_sold)
CART_MERGED_AGAIN = RareState(
    "cart-merged-again", "carts were bought into which a guest's had been merged more than once", _cart_merged_again
)
LIMIT_REFUSED = RareState(
    "limit-refused", "orders were refused for a customer's limit", _refused("purchase_limit_exceeded")
)
BOTH_CLICKS_RACED = RareState(
    "both-clicks-raced", "attempts under one key of one customer overlapped", _both_clicks_raced
)
STORED_ANSWER_REPEATED = RareState(
    "stored-answer-repeated", "requests sent again got the stored answer", _stored_answer_repeated
)
KEY_REUSED = RareState("key-reused", "another body under a used key was refused", _refused("idempotency_key_reused"))
EQUAL_KEYS_OF_TWO = RareState(
    "equal-keys-of-two", "two customers bought under keys that read the same", _equal_keys_of_two
)
ANSWER_LOST = RareState("answer-lost", "orders exist of which an attempt was never answered", _answer_lost)
