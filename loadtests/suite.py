"""What a load suite is, as data: who reads it needs no Locust."""

from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from scenarios.evidence import Threshold

FOLDER: Final = Path(__file__).parent / "suites"
USERS_MAX: Final = 2_000
FOR_S_MAX: Final = 6 * 3_600
PROCESSES_MAX: Final = 64
REQUESTS_MAX: Final = 20_000_000
"""After so many requests a run ends, whatever its time."""


class LoadParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much load, and for how long: all of it is bounded."""

    users: Annotated[int, Meta(ge=1, le=USERS_MAX, description="simulated people at once")]
    rate: Annotated[float, Meta(ge=0.1, le=USERS_MAX, description="people who join in a second")]
    for_s: Annotated[float, Meta(ge=5, le=FOR_S_MAX, description="seconds of load")]
    processes: Annotated[int, Meta(ge=1, le=PROCESSES_MAX, description="Locust processes that make it")] = 1
    requests_max: Annotated[int, Meta(ge=1, le=REQUESTS_MAX, description="requests after which it ends anyway")] = (
        1_000_000
    )
    articles: Annotated[int, Meta(ge=1, le=500, description="goods put on sale for it, with plenty in stock")] = 40
    scarce_units: Annotated[int, Meta(ge=0, le=10_000, description="units of one more thing that many want")] = 0


class Step(msgspec.Struct, frozen=True):
    """From this share of the time on, this share of the people is there."""

    at: float
    share: float


class Crowd(msgspec.Struct, frozen=True):
    """So many people from that second of the load on."""

    at_s: float
    users: int


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """One suite: `thresholds` are what its figures must reach, beside the invariants, which must always hold.

    `defaults` are what it is played with unless told otherwise; `steps` is how the crowd comes and goes, `skips` are
    invariants that it cannot judge.
    """

    id: str
    title: str
    story: str
    defaults: LoadParameters
    thresholds: tuple[Threshold, ...]
    steps: tuple[Step, ...] = (Step(0.0, 1.0),)
    skips: dict[str, str] = {}

    def crowd(self, parameters: LoadParameters) -> tuple["Crowd", ...]:
        """How many people there are, from which second on; somebody always is."""
        return tuple(
            Crowd(step.at * parameters.for_s, max(1, round(step.share * parameters.users))) for step in self.steps
        )

    @property
    def file(self) -> Path:
        """The Locust file."""
        return FOLDER / f"{self.id.replace('-', '_')}.py"
