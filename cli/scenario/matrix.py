"""shopctl scenario matrix: which defect is caught by which invariant, k of n."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.scenario.options import Json, Name, check_defect, scenario_named

if TYPE_CHECKING:
    from scenarios.matrix import Matrix

EXAMPLES = """Examples:

  shopctl scenario matrix flash-sale --runs 20

  shopctl scenario matrix flash-sale --runs 3 --defect read-then-write"""


def register(commands: typer.Typer) -> None:
    commands.command("matrix", epilog=EXAMPLES)(matrix)


def matrix(
    name: Name,
    runs: Annotated[int, typer.Option(min=1, max=1_000, help="Quick runs per row.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the first run of each row.")] = 1,
    defect: Annotated[list[str] | None, typer.Option(help="Only these defects; repeatable.")] = None,
    json: Json = False,
) -> None:
    """Play every defect and the healthy fleet many times: which invariant catches what, and what is a false alarm."""
    import asyncio  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios import matrix as matrices  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    scenario = scenario_named(name)
    chosen = tuple(defect or [card.id for card in scenario.defects])
    for one in chosen:
        check_defect(scenario, one)

    async def play() -> matrices.Matrix:
        with terminal.progress() as bars:
            async with Fleet.running() as fleet:
                return await matrices.matrix(
                    fleet,
                    scenario,
                    runs=runs,
                    first_seed=seed,
                    defects=chosen,
                    report=lambda subject, done, total, _: bars.report(subject, done, total),
                )

    found = asyncio.run(play())
    if json:
        terminal.json(msgspec.to_builtins(found))
    else:
        terminal.table(("planted", "found", "failed", "invalid", "passed", "by invariant"), _rows(found))
    raise typer.Exit(0 if found.holds else 1)


def _rows(found: "Matrix") -> list[tuple[object, ...]]:
    from scenarios.matrix import NONE_PLANTED  # noqa: PLC0415 -- quick --help

    return [
        (
            row.subject,
            "" if row.subject == NONE_PLANTED else f"{row.named} of {row.runs}",
            row.failed,
            row.invalid,
            row.passed,
            ", ".join(f"{invariant} ×{count}" for invariant, count in sorted(row.by_invariant.items())),
        )
        for row in found.rows
    ]
