"""shopctl scenario: the incidents, healthy and broken."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios.plan import Scenario
    from scenarios.verdict import Verdict

LIST_EXAMPLES = """Examples:

  shopctl scenario list

  shopctl scenario list --json"""
SHOW_EXAMPLES = """Examples:

  shopctl scenario show flash-sale"""
RUN_EXAMPLES = """Examples:

  shopctl scenario run flash-sale --quick

  shopctl scenario run flash-sale --defect read-then-write --seed 7

  shopctl scenario run flash-sale --quick --kill orders-1 --kill kafka

The exit code is the verdict: 0 PASS, 1 FAIL, 3 INVALID."""
RECHECK_EXAMPLES = """Examples:

  shopctl scenario recheck ~/.local/state/shopstream/runs/20260101T120000Z-flash-sale-1"""
MATRIX_EXAMPLES = """Examples:

  shopctl scenario matrix flash-sale --runs 20

  shopctl scenario matrix flash-sale --runs 3 --defect read-then-write"""

Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Name = Annotated[str, typer.Argument(help="A scenario; `shopctl scenario list` names them.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Run an incident and judge the outcome.")
    commands.command("list", epilog=LIST_EXAMPLES)(list_scenarios)
    commands.command("show", epilog=SHOW_EXAMPLES)(show)
    commands.command("run", epilog=RUN_EXAMPLES)(run)
    commands.command("recheck", epilog=RECHECK_EXAMPLES)(recheck)
    commands.command("matrix", epilog=MATRIX_EXAMPLES)(matrix)
    app.add_typer(commands, name="scenario")


def list_scenarios(json: Json = False) -> None:
    """Name the incidents and how many defects each can plant."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.drills import SCENARIOS  # noqa: PLC0415 -- the same

    rows = [(scenario.id, scenario.title, len(scenario.defects)) for scenario in SCENARIOS]
    if json:
        terminal.json([dict(zip(("id", "title", "defects"), row, strict=True)) for row in rows])
    else:
        terminal.table(("scenario", "title", "defects"), rows)


def show(name: Name, json: Json = False) -> None:
    """Tell an incident's story, its load, its faults and its defects."""
    import msgspec  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same

    scenario = _scenario(name)
    if json:
        terminal.json(msgspec.to_builtins(scenario))
        return
    terminal.line(f"{scenario.title}\n\n{scenario.story}\n")
    terminal.table(
        ("form", "parameters", "faults"),
        [
            (form, _words(parameters), ", ".join(f"{s.fault.name} {s.fault.target}" for s in scenario.faults[form]))
            for form, parameters in scenario.forms.items()
        ],
    )
    terminal.table(
        ("defect", "what is wrong", "caught by", "replaces"),
        [(card.id, card.title, ", ".join(card.caught_by), ", ".join(card.parts)) for card in scenario.defects],
    )


def run(  # noqa: PLR0913, PLR0917 -- one parameter per option
    name: Name,
    defect: Annotated[str | None, typer.Option(help="Plant this defect; default is the healthy fleet.")] = None,
    seed: Annotated[int, typer.Option(help="Everything random comes from it.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="The short form.")] = False,
    buyers: Annotated[int | None, typer.Option(min=1, max=50_000, help="Instead of the form's number.")] = None,
    units: Annotated[int | None, typer.Option(min=1, max=10_000, help="Instead of the form's number.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.5, max=600, help="Spread of the arrivals.")] = None,
    kill: Annotated[
        list[str] | None,
        typer.Option(help="SIGKILL this process too, during the load; repeatable. See: shopctl status."),
    ] = None,
    json: Json = False,
) -> None:
    """Play an incident on the running fleet and judge it; the exit code is the verdict."""
    import asyncio  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios import runner  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    scenario = _scenario(name)
    _check_defect(scenario, defect)
    overrides = {"buyers": buyers, "units": units, "over_s": seconds}
    options = runner.RunOptions(
        seed=seed,
        form="quick" if quick else "full",
        defect=defect,
        overrides={key: value for key, value in overrides.items() if value is not None},
        kills=tuple(kill or ()),
    )

    async def play() -> runner.RunResult:
        async with Fleet.running() as fleet:
            return await runner.run(fleet, scenario, options, report=terminal.info)

    terminal.info(f"seed {seed}")
    result = asyncio.run(play())
    _tell(result.verdict, result.directory, json=json)
    raise typer.Exit(result.verdict.exit_code)


def recheck(
    directory: Annotated[str, typer.Argument(help="A run directory, or `latest`.")] = "latest", json: Json = False
) -> None:
    """Judge a finished run again, without a fleet."""
    from pathlib import Path  # noqa: PLC0415 -- quick --help

    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same
    from compose.state import layout_of  # noqa: PLC0415 -- the same
    from scenarios import run_directory  # noqa: PLC0415 -- the same
    from scenarios.evidence import EvidenceUnreadableError  # noqa: PLC0415 -- the same

    chosen = run_directory.latest_run(layout_of().runs) if directory == "latest" else Path(directory)
    if chosen is None:
        raise OperatorError(
            "run.none", "There is no run yet.", mend="Play one: shopctl scenario run flash-sale --quick"
        )
    try:
        verdict = run_directory.recheck(chosen)
    except EvidenceUnreadableError as error:
        raise OperatorError("run.unreadable", f"{chosen} is not a whole run: {error}", mend="Play it again.") from error
    _tell(verdict, chosen, json=json)
    raise typer.Exit(verdict.exit_code)


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

    scenario = _scenario(name)
    chosen = tuple(defect or [card.id for card in scenario.defects])
    for one in chosen:
        _check_defect(scenario, one)

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
        terminal.table(
            ("planted", "found", "failed", "invalid", "passed", "by invariant"),
            [
                (
                    row.subject,
                    "" if row.subject == matrices.HEALTHY else f"{row.named} of {row.runs}",
                    row.failed,
                    row.invalid,
                    row.passed,
                    ", ".join(f"{invariant} ×{count}" for invariant, count in sorted(row.by_invariant.items())),
                )
                for row in found.rows
            ],
        )
    raise typer.Exit(0 if found.holds else 1)


def _scenario(name: str) -> "Scenario":
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help
    from scenarios.drills import SCENARIOS, scenario  # noqa: PLC0415 -- the same

    try:
        return scenario(name)
    except KeyError:
        known = ", ".join(one.id for one in SCENARIOS)
        raise OperatorError(
            "scenario.unknown", f"There is no scenario {name!r}.", mend=f"Choose one of: {known}.", exit_code=2
        ) from None


def _check_defect(scenario: "Scenario", defect: str | None) -> None:
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help

    known = [card.id for card in scenario.defects]
    if defect is not None and defect not in known:
        raise OperatorError(
            "defect.unknown",
            f"{scenario.id} has no defect {defect!r}.",
            mend=f"Choose one of: {', '.join(known)}.",
            exit_code=2,
        )


def _tell(verdict: "Verdict", directory: "Path", *, json: bool) -> None:
    import msgspec  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same

    if json:
        terminal.json({"directory": str(directory), "verdict": msgspec.to_builtins(verdict)})
        return
    terminal.verdict(verdict, report=str(directory / "report.html"))


def _words(parameters: dict[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items())
