"""shopctl test: the project's tests, by category and service. For checkouts; the installed wheel has none."""

from pathlib import Path
from typing import Annotated

import typer

CATEGORIES = ("unit", "integration", "consumer", "performance", "security", "concurrency", "saga")
ROOT = Path(__file__).parents[1]
NOTHING_COLLECTED = 5
EXAMPLES = """Examples:

  shopctl test

  shopctl test unit integration --service orders

  shopctl test --count"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(test)


def test(
    categories: Annotated[list[str] | None, typer.Argument(help="Of: " + ", ".join(CATEGORIES))] = None,
    service: Annotated[str, typer.Option(help="Only the tests of this service.")] = "",
    count: Annotated[bool, typer.Option("--count", help="Run nothing; say how many tests there are.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --count: print as JSON.")] = False,
) -> None:
    """Run tests on real engines, which it starts and stops."""
    import subprocess  # noqa: PLC0415 -- quick --help

    from compose import stack  # noqa: PLC0415 -- the same
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same

    unknown = sorted(set(categories or ()) - set(CATEGORIES))
    if unknown:
        raise OperatorError(
            "category.unknown",
            f"There is no test category {', '.join(unknown)}.",
            mend=f"Choose of: {', '.join(CATEGORIES)}.",
        )
    if service:
        stack.load().check_service(service)
    paths = [path for path in (str(Path("tests", category)) for category in categories or ()) if (ROOT / path).is_dir()]
    arguments = [*(paths or ["tests"]), *(["--service", service] if service else [])]
    pytest = _pytest()
    if count:
        _count([*pytest, *arguments], json=json)
        return
    done = subprocess.run([*pytest, *arguments], cwd=ROOT, check=False)  # noqa: S603 -- the operator asked for it
    if done.returncode == NOTHING_COLLECTED:
        raise OperatorError(
            "test.none", "No test is of this category and service.", mend="See: shopctl test --count.", exit_code=2
        )
    raise typer.Exit(1 if done.returncode else 0)


def _pytest() -> list[str]:
    """How to call pytest: with this interpreter where it has it, else through uv, which brings it.

    Raises `OperatorError` (test.missing).
    """
    import importlib.util  # noqa: PLC0415 -- quick --help
    import os  # noqa: PLC0415 -- the same
    import shutil  # noqa: PLC0415 -- the same
    import sys  # noqa: PLC0415 -- the same

    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same

    here = (ROOT / "tests").is_dir()
    if here and all(importlib.util.find_spec(name) for name in ("pytest", "xdist", "pytest_timeout", "hypothesis")):
        return [sys.executable, "-m", "pytest"]
    uv = os.environ.get("UV") or shutil.which("uv")
    if here and uv:
        return [uv, "run", "--quiet", "--project", str(ROOT), "--group", "test", "pytest"]
    raise OperatorError(
        "test.missing",
        "The tests are not here; the installed package has none.",
        mend="In a checkout run: pip install uv && uv run shopctl test",
        exit_code=2,
    )


def _count(pytest: list[str], *, json: bool) -> None:
    import json as library  # noqa: PLC0415 -- quick --help
    import subprocess  # noqa: PLC0415 -- the same
    import tempfile  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same

    with tempfile.TemporaryDirectory() as directory:
        counted = Path(directory) / "count.json"
        done = subprocess.run(  # noqa: S603 -- the operator asked for it
            [*pytest, "--collect-only", "--quiet", "--quiet", "--count-to", str(counted)],
            cwd=ROOT, check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode not in {0, NOTHING_COLLECTED}:
            raise typer.Exit(1)
        rows: list[dict[str, int | str]] = library.loads(counted.read_text())
    if json:
        terminal.json(rows)
        return
    terminal.table(("category", "count"), [(row["category"], row["count"]) for row in rows])
