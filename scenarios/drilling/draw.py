"""What a drill is about, drawn from its seed: the defect, and what makes it harder. Pure."""

import random
from typing import Final

import msgspec

from scenarios.defects.card import DefectCard
from scenarios.plan import Scenario

LEVEL_MAX: Final = 4
HARD_FROM: Final = 3
"""From this level on one signal is missing and another one misleads."""
HEALTHY_CHANCE: Final = 0.5
HEALTHY: Final = "healthy"
"""The right answer where nothing is planted."""
SIGNALS: Final = ("graphs", "logs", "mails")
"""Those that may be missing; an alert there always is."""


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """`card` is None where nothing is planted; `missing` names a signal that is not there."""

    card: DefectCard | None
    missing: str = ""
    misleads: bool = False

    @property
    def cause(self) -> str:
        """The right answer."""
        return self.card.id if self.card else HEALTHY


def draw(scenario: Scenario, *, level: int, seed: int) -> Draw:
    """The same for everybody who plays this seed on this level; on the last one there may be nothing wrong."""
    chance = random.Random(f"{scenario.id} {seed}")
    card = chance.choice(scenario.defects) if scenario.defects else None
    healthy = level == LEVEL_MAX and chance.random() < HEALTHY_CHANCE
    hard = level >= HARD_FROM
    return Draw(
        card=None if healthy else card,
        missing=chance.choice(SIGNALS) if hard else "",
        misleads=hard,
    )


def causes(scenario: Scenario) -> tuple[str, ...]:
    """All that may be answered."""
    return (*(card.id for card in scenario.defects), HEALTHY)


def services(scenario: Scenario) -> tuple[str, ...]:
    """Every service that some defect of the incident is in: all start anew, whatever is planted."""
    return tuple(sorted({service for card in scenario.defects for service in card.services}))
