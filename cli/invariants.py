"""shopctl invariants: judge the running fleet now, or go on judging it."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl invariants

  shopctl invariants --only INV-07 --watch"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(invariants)


def invariants(
    only: Annotated[list[str] | None, typer.Option(help="Only this invariant; repeatable.")] = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Watch INV-02 and INV-07 while there is load, until one is violated or Ctrl-C; tells when."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Judge everything the fleet ever did; the exit code is the verdict."""
    import asyncio  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same
    from scenarios import watch as watching  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same
    from scenarios.verdict import Verdict  # noqa: PLC0415 -- the same

    try:
        choose = watching.watchable if watch else watching.judgeable
        checkers = choose(tuple(only or ()))
    except KeyError as error:
        known = ", ".join(watching.LIVE if watch else (checker.id for checker in watching.judgeable()))
        raise OperatorError("invariant.unknown", str(error.args[0]), mend=f"Known: {known}.") from error

    async def look() -> Verdict:
        async with Fleet.running() as fleet:
            if watch:
                return await watching.watch(fleet, checkers, terminal.info)
            return await watching.look(fleet, checkers)

    verdict = asyncio.run(look())
    if json:
        terminal.json(msgspec.to_builtins(verdict))
    else:
        terminal.verdict(verdict, report="none; run a scenario for one")
    raise typer.Exit(verdict.exit_code)
