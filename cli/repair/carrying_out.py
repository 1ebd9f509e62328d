"""What the commands of this group share: look, carry the plan out when that is wanted, judge again, the exit code."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import msgspec

from cli import terminal
from scenarios.fleet import Fleet
from scenarios.repair import rejudge
from scenarios.repair.rejudge import Done, Rejudged

PlanT = TypeVar("PlanT")
PlanT_contra = TypeVar("PlanT_contra", contravariant=True)
DoneT = TypeVar("DoneT", bound=Done)
MadeT_co = TypeVar("MadeT_co", bound=Done, covariant=True)


class Apply(Protocol[PlanT_contra, MadeT_co]):
    """How a plan is carried out."""

    def __call__(self, fleet: Fleet, planned: PlanT_contra, /, *, since: float) -> Awaitable[MadeT_co]: ...


def carried_out(
    look: Callable[[Fleet], Awaitable[PlanT]], carry_out: Apply[PlanT, DoneT], *, apply: bool
) -> tuple[PlanT, DoneT | None, Rejudged | None]:
    """The plan of a repair on the running fleet; when wanted, what was done of it and the new verdict on the last run.

    Raises `OperatorError`.
    """

    async def run() -> tuple[PlanT, DoneT | None, Rejudged | None]:
        async with Fleet.running() as fleet:
            planned = await look(fleet)
            if not apply:
                return planned, None, None
            done, judged = await rejudge.applied(fleet, lambda since: carry_out(fleet, planned, since=since))
            return planned, done, judged

    return asyncio.run(run())


def print_json(planned: object, done: object, judged: Rejudged | None, **more: object) -> None:
    """All of it, for machines."""
    terminal.json(msgspec.to_builtins({"plan": planned, "done": done, "judged": judged, **more}, enc_hook=str))


def concluded(judged: Rejudged | None, *, rest: bool, json: bool) -> int:
    """Show the new verdict to people; returns the exit code: its own, else 1 when there is a rest to repair."""
    code = 1 if rest else 0
    if judged is None:
        return code
    if not json:
        terminal.verdict(judged.verdict, report=str(judged.directory / "report.html"))
    return judged.verdict.exit_code or code
