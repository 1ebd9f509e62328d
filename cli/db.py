"""shopctl db: a psql shell on one service's database."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl db orders

  shopctl db inventory -c 'select * from audit.stock limit 5'"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(db)


def db(
    service: Annotated[str, typer.Argument(help="A service with a database.")],
    command: Annotated[str, typer.Option("-c", "--command", help="One statement instead of a shell.")] = "",
) -> None:
    """Open psql as the service's own role."""
    import os  # noqa: PLC0415 -- quick --help
    import shutil  # noqa: PLC0415 -- the same
    from urllib.parse import urlsplit  # noqa: PLC0415 -- the same

    from compose import secrets_file, stack, state  # noqa: PLC0415 -- the same
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same

    known = [one.name for one in stack.load().audited]
    if service not in known:
        raise OperatorError(
            "database.unknown", f"{service!r} has no database.", mend=f"Choose one of: {', '.join(known)}."
        )
    layout, running = state.running()
    secrets = secrets_file.load_or_make(layout)
    psql = shutil.which("psql")
    parts = urlsplit(running.urls[f"database_{service}"])
    url = parts._replace(netloc=f"{service}@{parts.netloc.rpartition('@')[2]}").geturl()
    if psql is None:
        raise OperatorError(
            "psql.missing",
            "psql is not installed.",
            mend=f"Install it, or connect to {url} with the password in {layout.secrets_file}.",
        )
    os.environ["PGPASSWORD"] = secrets.database_passwords[service]  # in argv every user of the machine could read it
    os.execv(psql, [psql, url, *(["-c", command] if command else [])])  # noqa: S606 the operator asked for it
