"""Three hints, from direction to location."""

from collections.abc import Sequence
from typing import Final

from scenarios.checkers import Checker
from scenarios.defects.card import DefectCard

HINTS_MAX: Final = 3
FOR_THE_HEALTHY: Final = (
    "Not every alert is an incident: look whether any statement about the business is really violated.",
    "Compare, for a few orders, what clients were told with what is stored: shopctl order, shopctl invariants.",
    "An action on a fleet that needs none is an incident of its own.",
)


def hints(card: DefectCard | None, judges: Sequence[Checker]) -> tuple[str, ...]:
    """In the order in which they are given; `judges` are those of the card's scenario."""
    if card is None:
        return FOR_THE_HEALTHY
    statement = next(checker.statement for checker in judges if checker.id == card.caught_by[0])
    services = ", ".join(card.services)
    parts = ", ".join(part.partition(".")[2].replace("_", " ") for part in card.parts)
    return (
        f"This no longer holds: {statement}.",
        f"It comes from {services}. What brings it out: {card.exposed_by}",
        f"Look at {parts} of {services}. Others have seen: {card.symptoms}",
    )
