"""`shopctl`: puts the commands together and turns every outcome into an exit code.

0 pass, 1 fail, 2 usage, 3 unknown or invalid, 70 internal error; never a traceback on the terminal.
"""

import importlib
import importlib.util
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer import Abort, TyperException

from cli import output
from compose.operator_error import OperatorError

EXIT_USAGE: Final = 2
EXIT_INTERNAL: Final = 70
EXIT_INTERRUPTED: Final = 130
CRASH_LOGS_MAX: Final = 20
# Every command module has `register(app)`. Order is the order of the help.
COMMANDS: Final = (
    "up", "down", "status", "top", "logs", "restart", "doctor",
    "demo", "seed", "scenario", "drill", "fault", "invariants", "repair",
    "order", "saga", "trace", "events", "jobs", "search", "mail", "db", "load", "test",
)  # fmt: skip


def main() -> None:
    """The entry point of the script `shopctl`."""
    output.install()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        code = build()(list(arguments) or ["--help"], prog_name="shopctl", standalone_mode=False)
        sys.stdout.flush()
    except OperatorError as error:
        _fail(error.what, error.mend)
        return error.exit_code
    except TyperException as error:
        context = getattr(error, "ctx", None)
        _fail(
            _plain_words(error) or _in_one_line(error.format_message()),
            f"See: {context.command_path if context else 'shopctl'} --help",
        )
        return EXIT_USAGE
    except (Abort, KeyboardInterrupt):
        _fail("Interrupted.", "The stack is as it was; look with: shopctl status.")
        return EXIT_INTERRUPTED
    except output.ReaderGoneError:
        return 0
    except Exception as error:  # noqa: BLE001 -- the last resort: a log instead of a traceback
        return _unexpected(error, arguments)
    return code if isinstance(code, int) else 0


def build() -> typer.Typer:
    """The whole command tree."""
    app = typer.Typer(
        name="shopctl",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="Run a shop you can break on purpose: boot it, load it, break it, and judge the outcome.",
        epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 unknown or invalid, 70 internal error.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_globals)
    for name in COMMANDS:
        if importlib.util.find_spec(f"cli.{name}"):
            importlib.import_module(f"cli.{name}").register(app)
    return app


def _version(asked: bool) -> None:
    if asked:
        from compose.state import VERSION  # noqa: PLC0415 -- only here

        sys.stdout.write(f"shopctl {VERSION}\n")
        raise typer.Exit


def _globals(
    home: Annotated[Path | None, typer.Option(envvar="SHOPSTREAM_HOME", help="State directory of the stack.")] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    del version
    if home is not None:
        os.environ["SHOPSTREAM_HOME"] = str(home.expanduser().absolute())


def _fail(what: str, mend: str) -> None:
    from cli import terminal  # noqa: PLC0415 -- Rich is needed only when there is something to say

    terminal.fail(what, mend)


def _plain_words(error: TyperException) -> str:
    """What an option may be, where the library that converts it would speak of its own types; "" otherwise."""
    option, problems = getattr(error, "param", None), getattr(error.__cause__, "errors", None)
    if option is None or problems is None:
        return ""
    import msgspec  # noqa: PLC0415 -- only here

    from shared.field_words import must_be  # noqa: PLC0415 -- the same

    kind: Any = option.type_descriptor.annotation
    if option.min is not None or option.max is not None:
        kind = Annotated[kind, msgspec.Meta(ge=option.min, le=option.max)]
    variable = f" (or {option.envvar})" if option.envvar else ""
    return f"{option.opts[-1]}{variable} {must_be(kind)}, and is {str(problems()[0]['input'])!r}."


def _in_one_line(message: str) -> str:
    """A list of choices comes one per line; the help of a group stays as it is."""
    return message if message.startswith("Usage:") else " ".join(message.split())


def _unexpected(error: Exception, arguments: Sequence[str]) -> int:
    """A state of the machine that no command foresaw, or a bug."""
    from compose import machine  # noqa: PLC0415 -- only here

    if (refusal := machine.refusal_of(error)) is not None:
        _fail(refusal.what, refusal.mend)
        return refusal.exit_code
    path = _crash_log(arguments)
    _fail("ShopStream failed internally; this is a bug.", f"Please report it with {path}.")
    return EXIT_INTERNAL


def _crash_log(arguments: Sequence[str]) -> Path:
    """Keep the traceback where an operator can find it; the newest few."""
    from compose.layout import default_home  # noqa: PLC0415 -- only here

    text = f"shopctl {' '.join(arguments)}\n{traceback.format_exc()}"
    directory = default_home() / "logs"
    path = directory / f"shopctl-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError:
        sys.stderr.write(text)
        return Path("the text above")
    for old in sorted(directory.glob("shopctl-*.log"))[:-CRASH_LOGS_MAX]:
        old.unlink(missing_ok=True)
    return path


if __name__ == "__main__":
    main()
