"""What each service does, in words of `tests/features/`, and the tests that each feature names to show it."""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.support.categories import SERVICES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "features"
SHARED = "shared"
"""What every service has."""
DECLARING = (*SERVICES, SHARED)

Features = Mapping[str, Sequence[str]]
"""Feature → names of its tests, without `test_`."""


class UnknownTestError(Exception):
    """A feature names a test that there is not."""


def declared(service: str) -> Features:
    """The features of a service, or those that all have."""
    return tomllib.loads((FOLDER / f"{service}.toml").read_text())


@cache
def files_of_tests() -> dict[str, list[str]]:
    """Name of a test, without `test_` → the files that have one of that name."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").glob("*/**/test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found[node.name.removeprefix("test_")].append(path.relative_to(ROOT).as_posix())
    return found


def feature_rows(features: Features, files: Mapping[str, Sequence[str]]) -> list[str]:
    """One line of the table for each feature. Raises `UnknownTestError`."""
    shown = {feature: " · ".join(_linked(name, files) for name in names) for feature, names in features.items()}
    return [f"| {feature} | {tests} |" for feature, tests in shown.items()]


def _linked(name: str, files: Mapping[str, Sequence[str]]) -> str:
    if not files.get(name):
        raise UnknownTestError(f"there is no test_{name}")
    return f"[{name.replace('_', ' ')}](../{files[name][0]})"
