"""The load suites: an explicit catalogue; nothing is found by name."""

from typing import Final

from loadtests.suite import LoadParameters, Suite
from scenarios.evidence import Threshold

NO_LIMITS: Final = {"INV-04": "no purchase limit and no limited coupon is in force: nobody wants more than may be had"}
NO_ERRORS: Final = (Threshold(figure="errors_share", most=0.001), Threshold(figure="shed_share", most=0.0))
"""What a load that the shop can carry must not see."""

SUITES: Final = (
    Suite(
        id="checkout",
        title="Checkout",
        story="Customers fill a cart, buy it, sometimes click twice, and watch their order until it is paid.",
        defaults=LoadParameters(users=20, rate=5, for_s=60),
        thresholds=(
            *NO_ERRORS,
            Threshold(figure="requests", least=200),
            Threshold(figure="POST /orders: p95_ms", most=1_500),
            Threshold(figure="GET /orders/{id}: p95_ms", most=800),
        ),
        skips=NO_LIMITS,
    ),
)


def suite(name: str) -> Suite:
    """The suite of that name. Raises KeyError."""
    for known in SUITES:
        if known.id == name:
            return known
    raise KeyError(name)
