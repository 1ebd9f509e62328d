"""How the commands of this group show a drill, to people and to programs; the truth of an open one is not shown."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from scenarios.drilling.judging import Judged
    from scenarios.drilling.record import Drill

Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def brief_of(drill: "Drill") -> dict[str, Any]:
    """What a program is told at the beginning."""
    import msgspec  # noqa: PLC0415 -- quick --help

    from scenarios.drilling.draw import causes  # noqa: PLC0415 -- the same
    from scenarios.drills import scenario  # noqa: PLC0415 -- the same

    return {
        "drill": drill.id,
        "incident": drill.incident,
        "level": drill.level,
        "seed": drill.seed,
        "alerted_at": drill.alerted_at,
        "run": drill.run,
        "brief": msgspec.to_builtins(drill.brief),
        "causes": causes(scenario(drill.incident)),
    }


def status_of(drill: "Drill") -> dict[str, Any]:
    """Where an open drill stands."""
    import time  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from scenarios.drilling import play, scoring  # noqa: PLC0415 -- the same
    from scenarios.drilling.record import PHASES  # noqa: PLC0415 -- the same
    from scenarios.drills import scenario  # noqa: PLC0415 -- the same

    repairable = bool(scenario(drill.incident).repair)
    return {
        "drill": drill.id,
        "clock_s": round((drill.closed_at or time.time()) - drill.alerted_at, 1),
        "phases": {
            phase: round(drill.phases[phase] - drill.alerted_at, 1) if phase in drill.phases else None
            for phase in PHASES
        },
        "refused": drill.refused,
        "hints": list(play.given_hints(drill)),
        "submissions": drill.submissions,
        "wrong": drill.wrong,
        "rolled_back": list(drill.rolled_back),
        "impact_named": drill.impact.named if drill.impact else None,
        "money_named_minor": drill.money_minor,
        "score": msgspec.to_builtins(scoring.score(drill, repairable=repairable)),
    }


def judged(found: "Judged", *, json: bool) -> None:
    """What came of a look or a replay."""
    import msgspec  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same

    if json:
        terminal.json(msgspec.to_builtins(found))
        return
    for refusal in found.refusals:
        terminal.warn(str(refusal))
    if found.exit_code == 0:
        terminal.ok(f"{found.phase}: passed.")
    else:
        terminal.warn(f"{found.phase}: refused ({found.outcome}).")
    if found.directory:
        terminal.line(f"report: {found.directory}/report.html")
