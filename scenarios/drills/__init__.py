"""The incidents: one file each that reads as a plan. An explicit catalogue; nothing is found by name."""

from scenarios.checkers import EVERY_CHECKER, Checker
from scenarios.drills import black_friday, double_charge, event_chaos, flash_sale, pen_test
from scenarios.plan import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    flash_sale.SCENARIO,
    double_charge.SCENARIO,
    event_chaos.SCENARIO,
    pen_test.SCENARIO,
    black_friday.SCENARIO,
)


def scenario(name: str) -> Scenario:
    """The scenario of that name. Raises KeyError."""
    for known in SCENARIOS:
        if known.id == name:
            return known
    raise KeyError(name)


def checkers_of(name: str) -> tuple[Checker, ...]:
    """Who judges that scenario; of one that is no longer in the catalogue, everybody."""
    return next((known.checkers for known in SCENARIOS if known.id == name), EVERY_CHECKER)
