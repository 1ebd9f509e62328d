"""shopctl test: the project's tests, by category and service. For checkouts; the installed wheel has none."""

from typing import Annotated

import typer

CATEGORIES = ("unit", "integration", "consumer", "performance", "security", "concurrency", "saga")
EXAMPLES = """Examples:

  shopctl test

  shopctl test unit integration --service orders"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(test)


def test(
    categories: Annotated[list[str] | None, typer.Argument(help="Of: " + ", ".join(CATEGORIES))] = None,
    service: Annotated[str, typer.Option(help="Only the tests of this service.")] = "",
) -> None:
    """Run tests on real engines, which it starts and stops."""
    import importlib.util  # noqa: PLC0415 -- quick --help
    import subprocess  # noqa: PLC0415 -- the same
    import sys  # noqa: PLC0415 -- the same
    from pathlib import Path  # noqa: PLC0415 -- the same

    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same

    root = Path(__file__).parents[1]
    unknown = sorted(set(categories or ()) - set(CATEGORIES))
    if unknown:
        raise OperatorError(
            "test.category",
            f"There is no test category {', '.join(unknown)}.",
            mend=f"Choose of: {', '.join(CATEGORIES)}.",
            exit_code=2,
        )
    if not (root / "tests").is_dir() or importlib.util.find_spec("pytest") is None:
        raise OperatorError(
            "test.missing",
            "The tests are not here; the installed package has none.",
            mend="In a checkout run: uv run --group test shopctl test",
            exit_code=2,
        )
    paths = [str(root / "tests" / category) for category in categories or ()] or [str(root / "tests")]
    paths = [path for path in paths if Path(path).is_dir()]
    markers = ["--service", service] if service else []
    done = subprocess.run([sys.executable, "-m", "pytest", *paths, *markers], cwd=root, check=False)  # noqa: S603
    raise typer.Exit(1 if done.returncode else 0)
