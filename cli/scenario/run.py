"""shopctl scenario run: play one incident and judge it."""

from typing import Annotated

import typer

from cli.scenario.options import Json, Name, check_defect, check_form, scenario_named, tell

EXAMPLES = """Examples:

  shopctl scenario run flash-sale --quick

  shopctl scenario run flash-sale --defect read-then-write --seed 7

  shopctl scenario run flash-sale --quick --defect read-then-write --trigger nth=3

  shopctl scenario run flash-sale --quick --set buyers=800 --set units=40

  shopctl scenario run flash-sale --quick --kill orders-1 --kill kafka

  shopctl scenario run flash-sale --quick --without 4

  shopctl scenario run flash-sale --form late

The exit code is the verdict: 0 PASS, 1 FAIL, 3 INVALID."""


def register(commands: typer.Typer) -> None:
    commands.command("run", epilog=EXAMPLES)(run)


def run(  # noqa: PLR0913, PLR0917 one per option
    name: Name,
    defect: Annotated[str | None, typer.Option(help="Plant this defect; without it none is planted.")] = None,
    trigger: Annotated[
        str, typer.Option(metavar="WHEN", help="When it strikes: always, once, nth=N or times=N calls of its parts.")
    ] = "always",
    seed: Annotated[int, typer.Option(help="Everything random comes from it.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="The short form.")] = False,
    form: Annotated[str, typer.Option(help="Another form that the scenario has. See: scenario show.")] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Another value of a parameter; repeatable. See: scenario show."
        ),
    ] = None,
    kill: Annotated[
        list[str] | None,
        typer.Option(help="SIGKILL this process too, during the load; repeatable. See: shopctl status."),
    ] = None,
    without: Annotated[
        list[int] | None, typer.Option(help="Leave out this fault of the form; repeatable. See: scenario show.")
    ] = None,
    json: Json = False,
) -> None:
    """Play an incident on the running fleet and judge it; the exit code is the verdict."""
    import asyncio  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose import stack  # noqa: PLC0415 -- the same
    from scenarios import parameters, planting, runner  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same
    from scenarios.plan import FULL, QUICK  # noqa: PLC0415 -- the same

    scenario = scenario_named(name)
    check_defect(scenario, defect)
    chosen = form or (QUICK if quick else FULL)
    check_form(scenario, chosen)
    for process in kill or ():
        stack.load().check_process(process)
    overrides = parameters.parsed(settings or ())
    parameters.changed(scenario.forms[chosen].parameters, overrides)
    options = runner.RunOptions(
        seed=seed,
        form=chosen,
        defect=defect,
        trigger=planting.trigger_of(trigger),
        overrides=overrides,
        kills=tuple(kill or ()),
        without=tuple(without or ()),
    )

    async def play() -> runner.RunResult:
        async with Fleet.running() as fleet:
            return await runner.run(fleet, scenario, options, report=terminal.info)

    terminal.info(f"seed {seed}")
    result = asyncio.run(play())
    tell(result.verdict, result.directory, json=json)
    raise typer.Exit(result.verdict.exit_code)
