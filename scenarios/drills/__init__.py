"""The incidents: one file each that reads as a plan. An explicit catalogue; nothing is found by name."""

from scenarios.drills import flash_sale
from scenarios.plan import Scenario

SCENARIOS: tuple[Scenario, ...] = (flash_sale.SCENARIO,)


def scenario(name: str) -> Scenario:
    """The scenario of that name. Raises KeyError."""
    for known in SCENARIOS:
        if known.id == name:
            return known
    raise KeyError(name)
