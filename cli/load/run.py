"""shopctl load run: play one suite and judge it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.scenario.options import Json, tell

if TYPE_CHECKING:
    from loadtests.suite import LoadParameters, Suite

EXAMPLES = """Examples:

  shopctl load run checkout

  shopctl load run checkout --users 50 --rate 10 --for 120 --processes 2

  shopctl load run checkout --web

  shopctl load run checkout --compare 20260101T120000Z-load-checkout-1

  shopctl load run checkout --master --bind 10.0.0.5 --target http://10.0.0.5:8000 --workers 2

  shopctl load run checkout --worker 10.0.0.5

The exit code is the verdict: 0 PASS, 1 FAIL, 3 INVALID. Locust's own page with its plots is beside the report."""


def register(commands: typer.Typer) -> None:
    commands.command("run", epilog=EXAMPLES)(run)


def run(  # noqa: PLR0913, PLR0917 one per option
    suite: Annotated[str, typer.Argument(help="A suite; `shopctl load list` names them.")],
    users: Annotated[int | None, typer.Option(help="Simulated people at once.")] = None,
    rate: Annotated[float | None, typer.Option(help="People who join in a second.")] = None,
    for_s: Annotated[float | None, typer.Option("--for", metavar="SECONDS", help="How long.")] = None,
    processes: Annotated[int | None, typer.Option(help="Locust processes on this machine.")] = None,
    web: Annotated[bool, typer.Option("--web", help="Show Locust's own page while it runs.")] = False,
    web_port: Annotated[int, typer.Option(help="Where the page is.")] = 8089,
    master: Annotated[bool, typer.Option("--master", help="Lead workers on other hosts; they make the load.")] = False,
    bind: Annotated[str, typer.Option(metavar="HOST", help="Where the master waits for them.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many the master waits for.")] = 1,
    target: Annotated[str, typer.Option(metavar="URL", help="This fleet's gateway as the workers reach it.")] = "",
    worker: Annotated[
        str, typer.Option(metavar="HOST", help="Be a worker of the master on that host; needs no fleet here.")
    ] = "",
    port: Annotated[int, typer.Option(help="Where master and workers meet.")] = 5557,
    compare: Annotated[str, typer.Option(metavar="RUN", help="Show it beside an earlier run.")] = "",
    seed: Annotated[int, typer.Option(help="Names the run; what people choose comes from it.")] = 1,
    json: Json = False,
) -> None:
    """Put the running fleet under load and judge what it did; the exit code is the verdict."""
    import asyncio  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from loadtests import playing  # noqa: PLC0415 -- the same
    from loadtests.following import follow  # noqa: PLC0415 -- the same
    from loadtests.locust_load import Manner  # noqa: PLC0415 -- the same
    from loadtests.stage import check_target  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same
    from scenarios.runner import RunResult  # noqa: PLC0415 -- the same

    chosen = _suite(suite)
    parameters = _parameters(chosen, users=users, rate=rate, for_s=for_s, processes=processes)
    if worker:
        raise typer.Exit(follow(chosen, worker, port=port, processes=parameters.processes))
    if target:
        check_target(target, elsewhere=master)
    manner = Manner(
        web_port=web_port if web else None, bind=bind if master else None, port=port, workers=workers, target=target
    )
    before = _earlier(compare) if compare else None

    async def play() -> RunResult:
        async with Fleet.running() as fleet:
            return await playing.play(fleet, chosen, parameters, manner, seed=seed, report=terminal.info)

    if web:
        terminal.info(f"Locust's page: http://127.0.0.1:{web_port}")
    result = asyncio.run(play())
    tell(result.verdict, result.directory, json=json)
    if before is not None and not json:
        _show_beside(before, result.directory)
    raise typer.Exit(result.verdict.exit_code)


def _suite(name: str) -> "Suite":
    """Raises OperatorError (load.unknown) with those there are."""
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help
    from loadtests.catalogue import SUITES, suite  # noqa: PLC0415 -- the same

    try:
        return suite(name)
    except KeyError:
        known = ", ".join(one.id for one in SUITES)
        raise OperatorError(
            "load.unknown", f"There is no load suite {name!r}.", mend=f"Choose one of: {known}."
        ) from None


def _parameters(suite: "Suite", **wanted: Any) -> "LoadParameters":
    """The suite's own, but for what was asked for. Raises OperatorError (parameter.invalid)."""
    from scenarios import parameters  # noqa: PLC0415 -- quick --help

    return parameters.changed(suite.defaults, {name: str(value) for name, value in wanted.items() if value is not None})


def _earlier(name: str) -> Path:
    """Raises OperatorError (run.none, run.unknown)."""
    from compose.state import layout_of  # noqa: PLC0415 -- quick --help
    from scenarios.run_directory import find_run  # noqa: PLC0415 -- the same

    return find_run(layout_of().runs, name)


def _show_beside(before: Path, now: Path) -> None:
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from cli.scenario.compare import judged_run  # noqa: PLC0415 -- the same
    from scenarios import comparison  # noqa: PLC0415 -- the same

    found = comparison.compare(judged_run(str(before)), judged_run(str(now)))
    terminal.table(("", "what", found.first, found.second, "≠"), comparison.shown(found.differences))
