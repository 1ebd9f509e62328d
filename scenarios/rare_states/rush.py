"""Rare states of a day with a trigger: visitors of every kind were there while it lasted, and again after it."""

from collections.abc import Callable

from scenarios.evidence.bundle import Evidence
from scenarios.evidence.facts import Course
from scenarios.rare_states.state import RareState
from scenarios.resilience import CART, LOOK, PLACE_ORDER, SEARCH


def _in_trouble(course: Course) -> tuple[float, float]:
    return course.baseline_until, max(course.surge_at, course.surge_until)


def _after(course: Course) -> tuple[float, float]:
    return max(course.surge_at, course.surge_until), course.ended_at


def _answered(journey: str, window: Callable[[Course], tuple[float, float]]) -> Callable[[Evidence], int]:
    """Visits of the journey that began in the window and were told something, be it a refusal."""

    def count(evidence: Evidence) -> int:
        if evidence.facts.course is None:
            return 0
        from_at, until_at = window(evidence.facts.course)
        return sum(
            operation.invoke.function == journey
            and operation.outcome in {"ok", "fail"}
            and from_at <= evidence.facts.epoch(operation.invoke.time_s) < until_at
            for operation in evidence.operations
        )

    return count


LOOKED_IN_TROUBLE = RareState("looked-in-trouble", "goods were looked at in the trouble", _answered(LOOK, _in_trouble))
SEARCHED_IN_TROUBLE = RareState(
    "searched-in-trouble", "goods were searched for in the trouble", _answered(SEARCH, _in_trouble)
)
CART_IN_TROUBLE = RareState("cart-in-trouble", "carts were opened in the trouble", _answered(CART, _in_trouble))
ORDERED_IN_TROUBLE = RareState(
    "ordered-in-trouble", "orders were placed or refused in the trouble", _answered(PLACE_ORDER, _in_trouble)
)
LOOKED_AFTER = RareState("looked-after", "goods were looked at after the trouble", _answered(LOOK, _after))
SEARCHED_AFTER = RareState("searched-after", "goods were searched for after the trouble", _answered(SEARCH, _after))
CART_AFTER = RareState("cart-after", "carts were opened after the trouble", _answered(CART, _after))
ORDERED_AFTER = RareState(
    "ordered-after", "orders were placed or refused after the trouble", _answered(PLACE_ORDER, _after)
)
