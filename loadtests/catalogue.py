"""The load suites: an explicit catalogue; nothing is found by name."""

from typing import Final

from loadtests.suite import LoadParameters, Step, Suite
from scenarios.evidence import Threshold

NO_LIMITS: Final = {"INV-04": "no purchase limit and no limited coupon is in force: nobody wants more than may be had"}
NO_ERRORS: Final = (Threshold(figure="errors_share", most=0.001), Threshold(figure="shed_share", most=0.0))
"""What a load that the shop can carry must not see."""

PAGE_MS_MAX: Final = 500.0
ORDER_MS_MAX: Final = 1_500.0

SUITES: Final = (
    Suite(
        id="browse",
        title="Browse",
        story="Visitors look at lists and products; two people buy meanwhile, whom that must not disturb.",
        defaults=LoadParameters(users=30, rate=10, for_s=60),
        thresholds=(
            *NO_ERRORS,
            Threshold(figure="requests", least=500),
            Threshold(figure="GET /products: p95_ms", most=PAGE_MS_MAX),
            Threshold(figure="GET /products/{slug}: p95_ms", most=PAGE_MS_MAX),
            Threshold(figure="POST /orders: p95_ms", most=ORDER_MS_MAX),
        ),
        skips=NO_LIMITS,
    ),
    Suite(
        id="search",
        title="Search",
        story="Visitors type, search and filter; two people buy meanwhile, whom that must not disturb.",
        defaults=LoadParameters(users=20, rate=10, for_s=60),
        thresholds=(
            *NO_ERRORS,
            Threshold(figure="requests", least=500),
            Threshold(figure="GET /search: p95_ms", most=PAGE_MS_MAX),
            Threshold(figure="GET /search/suggest: p95_ms", most=PAGE_MS_MAX),
            Threshold(figure="POST /orders: p95_ms", most=ORDER_MS_MAX),
        ),
        skips=NO_LIMITS,
    ),
    Suite(
        id="checkout",
        title="Checkout",
        story="Customers fill a cart, buy it, sometimes click twice, and watch their order until it is paid.",
        defaults=LoadParameters(users=20, rate=5, for_s=60),
        thresholds=(
            *NO_ERRORS,
            Threshold(figure="requests", least=200),
            Threshold(figure="POST /orders: p95_ms", most=ORDER_MS_MAX),
            Threshold(figure="GET /orders/{id}: p95_ms", most=800),
        ),
        skips=NO_LIMITS,
    ),
    Suite(
        id="flash-sale",
        title="Flash sale",
        story="A crowd comes all at once for one thing of which there is little, and leaves as suddenly.",
        defaults=LoadParameters(users=100, rate=100, for_s=60, scarce_units=100),
        steps=(Step(0.0, 0.1), Step(0.2, 1.0), Step(0.7, 0.1)),
        thresholds=(
            Threshold(figure="errors_share", most=0.001),
            Threshold(figure="shed_share", most=0.5),
            Threshold(figure="POST /orders: requests", least=200),
            Threshold(figure="POST /orders: p95_ms", most=4_000),
        ),
        skips=NO_LIMITS,
    ),
    Suite(
        id="mixed-day",
        title="Mixed day",
        story="A day in a minute: most look, some search, a few buy; most of them at noon and in the evening.",
        defaults=LoadParameters(users=40, rate=10, for_s=60),
        steps=(Step(0.0, 0.4), Step(0.25, 1.0), Step(0.5, 0.6), Step(0.7, 1.0), Step(0.9, 0.3)),
        thresholds=(
            *NO_ERRORS,
            Threshold(figure="requests", least=500),
            Threshold(figure="p95_ms", most=PAGE_MS_MAX),
            Threshold(figure="POST /orders: p95_ms", most=ORDER_MS_MAX),
        ),
        skips=NO_LIMITS,
    ),
    Suite(
        id="soak",
        title="Soak",
        story="An ordinary day that does not end: nothing fails, and nothing gets slower.",
        defaults=LoadParameters(users=15, rate=5, for_s=900),
        thresholds=(
            *NO_ERRORS,
            Threshold(figure="requests", least=300),
            Threshold(figure="p95_ms", most=PAGE_MS_MAX),
            Threshold(figure="p95_drift", most=2.0),
        ),
        skips=NO_LIMITS,
    ),
    Suite(
        id="ramp-to-break",
        title="Ramp to break",
        story="More and more people, far beyond what the shop can do: it sheds, and what it accepts stays right.",
        defaults=LoadParameters(users=400, rate=40, for_s=120),
        steps=tuple(Step(number / 8, (number + 1) / 8) for number in range(8)),
        thresholds=(
            Threshold(figure="errors_share", most=0.01),
            Threshold(figure="goodput_kept", least=0.7),
            Threshold(figure="requests", least=1_000),
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
