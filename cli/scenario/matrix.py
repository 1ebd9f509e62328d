"""shopctl scenario matrix: which defect is caught by which invariant, k of n."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.scenario.options import Json, check_defect, scenario_named

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios.matrix import Choice, Matrix

EXAMPLES = """Examples:

  shopctl scenario matrix --runs 20

  shopctl scenario matrix flash-sale double-charge --runs 6

  shopctl scenario matrix flash-sale --runs 3 --defect read-then-write

  shopctl scenario matrix double-charge --runs 1 --repair

Stopped in the middle, the same command goes on where it was.

The exit code is 0 when every defect is caught by an invariant that its card names and no healthy run fails, else 1. A
defect counts as caught when one run in twenty misses it at most: 19 of 20, 38 of 40. From 6 runs on one miss is allowed
(5 of 6); fewer runs must all catch it. With --repair each repair must undo all of its run's damage and nothing else,
leave nothing to a second one, and tell no customer twice."""


def register(commands: typer.Typer) -> None:
    commands.command("matrix", epilog=EXAMPLES)(matrix)


def matrix(
    names: Annotated[list[str] | None, typer.Argument(metavar="[SCENARIO]...", help="Scenarios; none is all.")] = None,
    runs: Annotated[int, typer.Option(min=1, max=1_000, help="Quick runs per row.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the first run of each row.")] = 1,
    defect: Annotated[list[str] | None, typer.Option(help="Only these defects of one scenario; repeatable.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Repair each broken run, and judge the repair.")] = False,
    json: Json = False,
) -> None:
    """Play every defect and the healthy fleet many times: which invariant catches what, and what is a false alarm."""
    import asyncio  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios import matrix as matrices  # noqa: PLC0415 -- the same
    from scenarios import resumable  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    choice = _choice(names or [], defects=defect or [], runs=runs, seed=seed, repair=repair)

    async def play() -> "tuple[Matrix, Path]":
        async with Fleet.running() as fleet:
            directory = resumable.open_directory(fleet.layout.home / matrices.FOLDER, choice, result=matrices.RESULT)
            with terminal.progress() as bars:
                found = await matrices.matrix(
                    fleet, choice, directory, lambda _, done, total: bars.report("matrix", done, total)
                )
            return found, directory

    found, directory = asyncio.run(play())
    _write(found, directory)
    if json:
        terminal.json({"directory": str(directory), **msgspec.to_builtins(found)})
    else:
        terminal.table(("scenario", "planted", "found", "failed", "invalid", "passed", "by invariant"), _rows(found))
        if repair:
            terminal.table(
                ("scenario", "planted", "repaired", "precision", "recall", "left", "told twice", "violated still"),
                _repairs(found),
            )
        terminal.line(f"heat map: {directory / 'matrix.html'}")
    raise typer.Exit(0 if found.holds else 1)


def _choice(names: list[str], *, defects: list[str], runs: int, seed: int, repair: bool) -> "Choice":
    """Raises OperatorError (scenario.unknown, defect.unknown, defect.ambiguous)."""
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help
    from scenarios.drills import SCENARIOS  # noqa: PLC0415 -- the same
    from scenarios.matrix import Choice  # noqa: PLC0415 -- the same

    chosen = [scenario_named(name) for name in dict.fromkeys(names)] or list(SCENARIOS)
    if defects and len(chosen) > 1:
        raise OperatorError(
            "defect.ambiguous",
            f"--defect {defects[-1]} is a defect of one scenario, and several are named.",
            mend="Name the scenario too.",
            exit_code=2,
        )
    for one in defects:
        check_defect(chosen[0], one)
    return Choice(
        defects={of.id: tuple(dict.fromkeys(defects)) or tuple(card.id for card in of.defects) for of in chosen},
        runs=runs,
        first_seed=seed,
        repair=repair,
    )


def _write(found: "Matrix", directory: "Path") -> None:
    """The result in three forms; the last one written says that the matrix is finished."""
    from scenarios.matrix import RESULT  # noqa: PLC0415 -- quick --help
    from scenarios.report import heat_map  # noqa: PLC0415 -- the same
    from scenarios.resumable import write_result  # noqa: PLC0415 -- the same

    (directory / "matrix.html").write_text(heat_map.page(found), encoding="utf-8")
    (directory / "matrix.md").write_text(heat_map.markdown(found), encoding="utf-8")
    write_result(directory / RESULT, found)


def _rows(found: "Matrix") -> list[tuple[object, ...]]:
    return [
        (
            row.scenario,
            row.subject,
            "" if row.healthy else f"{row.named} of {row.runs}",
            row.failed,
            row.invalid,
            row.passed,
            ", ".join(f"{invariant} ×{count}" for invariant, count in sorted(row.by_invariant.items())),
        )
        for row in found.rows
    ]


def _repairs(found: "Matrix") -> list[tuple[object, ...]]:
    """Of each row the worst of its repairs."""
    return [
        (
            row.scenario,
            row.subject,
            f"{row.repaired} of {len(row.proofs)}",
            f"{min(proof.precision for proof in row.proofs):.2f}",
            f"{min(proof.recall for proof in row.proofs):.2f}",
            max(proof.left for proof in row.proofs),
            max(proof.told_twice for proof in row.proofs),
            ", ".join(sorted({name for proof in row.proofs for name in proof.failed})),
        )
        for row in found.rows
        if row.proofs
    ]
