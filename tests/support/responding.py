"""What a responder does in a drill, as a script: commands of `shopctl` and nothing else."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from scenarios.drilling.draw import draw
from scenarios.drills import scenario
from tests.support.operator import Operator

SEEDS = range(2_000)


def seed_of(incident: str, cause: str, *, level: int) -> int:
    """The first seed that draws this cause on this level."""
    return next(seed for seed in SEEDS if draw(scenario(incident), level=level, seed=seed).cause == cause)


@contextmanager
def drill(operator: Operator, incident: str, cause: str, *, level: int) -> Generator[Any]:
    """A drill with this cause is under way for the block; gives what a program is told at its start."""
    words = (incident, "--level", str(level), "--seed", str(seed_of(incident, cause, level=level)), "--quick")
    try:
        started = operator.shopctl("drill", "start", *words, "--json")
        assert started.returncode == 0, started.stderr
        yield operator.decoded(started.stdout)
    finally:
        operator.shopctl("drill", "report")
