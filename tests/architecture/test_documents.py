"""What ARCHITECTURE.md names exists; each decision has a number of its own."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.apps import SERVICES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text()
FOLDERS = ("svc", "shared", "scenarios", "compose", "cli", "loadtests", "tests", "docs")
NAMED = sorted(
    {name for name in re.findall(r"`([^`\s]+)`", TEXT) if name.split("/")[0] in FOLDERS}
    | {link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in link}
)


def _exists(name: str) -> bool:
    return (ROOT / name).exists() or (ROOT / f"{name}.py").exists()


def test_the_map_names_modules():
    assert len(NAMED) > 15


@pytest.mark.parametrize("name", NAMED)
def test_what_the_map_names_exists(name):
    assert _exists(name)


def test_the_map_lists_every_folder_of_code():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages <= set(re.findall(r"^\| `(\w+)/` \|", TEXT, re.MULTILINE))


def test_the_map_lists_every_service():
    (row,) = re.findall(r"^\| `svc/` \| the fleet: ([^|]+) \|", TEXT, re.MULTILINE)
    assert {name.strip() for name in row.split(",")} == set(SERVICES)


DECISIONS = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))


def _used_twice(names: Iterable[str]) -> list[str]:
    return [number for number, times in Counter(name.split("-")[0] for name in names).items() if times > 1]


def test_no_two_decisions_have_one_number():
    assert _used_twice(DECISIONS) == []


def test_a_number_used_twice_is_found():
    assert _used_twice(["0001-layout.md", "0002-engines.md", "0002-twice.md"]) == ["0002"]


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decisions_heading_has_the_number_of_its_file(name):
    (number,) = re.findall(r"^# (\d+)\. ", (ROOT / "docs" / "decisions" / name).read_text())
    assert name.startswith(f"{int(number):04d}-")


def _named_decisions() -> set[str]:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".md"}]
    texts = [path.read_text() for path in (*files, *ROOT.glob("*.md"))]
    return {name for text in texts for name in re.findall(r"docs/decisions/(\d{4}-[\w-]+\.md)", text)}


def test_decisions_that_are_named_exist():
    named = _named_decisions()
    assert named
    assert named <= set(DECISIONS)
