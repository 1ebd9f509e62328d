"""`docs/features.md`: what each service does and which test shows it, from `tests/features/` and the tests collected.

A feature of a service names its tests. In the second table a test belongs to the services it is marked with, or to the
folder's, under what its file is called, or what `pytest.mark.feature` says where one file shows several.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.categories import CATEGORIES, NOT_APPLICABLE, matrix
from tests.support.declared_features import DECLARING, declared, feature_rows, files_of_tests

ROOT = Path(__file__).parents[2]
HEAD = """# What each service does, and the test that shows it

Made by `nox -s features` from `tests/features/` and the tests themselves; the name of a test is a sentence of what
holds. A service's first table has its features, each with the tests that show it; the second has all of its tests.
"""


def write(items: list[pytest.Item], path: Path) -> None:
    """Write the tables of all that was collected."""
    rows: dict[str, dict[tuple[str, str, str], set[str]]] = {service: defaultdict(set) for service in DECLARING}
    for item in items:
        file = item.path.relative_to(ROOT)
        category = file.parts[1]
        sentence = getattr(item, "originalname", item.name).removeprefix("test_").replace("_", " ")
        for service in _services(item, file):
            for feature in _features(item, file):
                rows[service][feature, category, file.as_posix()].add(sentence)
    path.write_text(HEAD + counted(matrix(items)) + "".join(_section(service, of) for service, of in rows.items()))


def counted(counts: dict[str, dict[str, int]]) -> str:
    """How many tests each service has in each category, and why where there are none."""
    rows = [
        f"| {service} | "
        + " | ".join("n/a" if (service, one) in NOT_APPLICABLE else str(of[one]) for one in CATEGORIES)
        + " |"
        for service, of in counts.items()
    ]
    why = [f"- {service}, {category}: {reason}." for (service, category), reason in NOT_APPLICABLE.items()]
    head = [f"| service | {' | '.join(CATEGORIES)} |", "|---" * (len(CATEGORIES) + 1) + "|"]
    return "\n".join(["\n## How many of each category\n", *head, *rows, "", "Where there are none:\n", *why, ""])


def _services(item: pytest.Item, file: Path) -> set[str]:
    marked = {str(name) for mark in item.iter_markers("service") for name in mark.args}
    return (marked or set(file.parts)) & set(DECLARING)


def _features(item: pytest.Item, file: Path) -> list[str]:
    marked = [str(name) for mark in item.iter_markers("feature") for name in mark.args]
    return marked or [file.stem.removeprefix("test_").replace("_", " ")]


def _section(service: str, rows: dict[tuple[str, str, str], set[str]]) -> str:
    lines = [
        f"| {feature} | [{category}](../{file}) | {' · '.join(sorted(sentences))} |"
        for (feature, category, file), sentences in sorted(rows.items())
    ]
    features = ["| feature | shown by |", "|---|---|", *feature_rows(declared(service), files_of_tests())]
    every = ["\n| tests of | kind | what they show |", "|---|---|---|", *lines, ""]
    return "\n".join([f"\n## {service.capitalize()}\n", *features, *every])
