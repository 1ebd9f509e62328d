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


def _folders(text: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE))


def _services(text: str) -> set[str]:
    (row,) = re.findall(r"^\| `svc/` \| the fleet: ([^|]+) \|", text, re.MULTILINE)
    return {name.strip() for name in row.split(",")}


def test_the_map_lists_every_folder_of_code():
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} <= _folders(TEXT)


def test_the_map_lists_every_service():
    assert _services(TEXT) == set(SERVICES)


def test_what_the_map_forgets_is_found():
    assert not _exists("shared/that_there_never_was")
    assert _folders(TEXT.replace("| `shared/` |", "| shared |")) == _folders(TEXT) - {"shared"}
    assert _services(TEXT.replace(", analytics |", " |")) == set(SERVICES) - {"analytics"}


DECISIONS = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))


def _used_twice(names: Iterable[str]) -> list[str]:
    return [number for number, times in Counter(name.split("-")[0] for name in names).items() if times > 1]


def test_no_two_decisions_have_one_number():
    assert _used_twice(DECISIONS) == []


def test_a_number_used_twice_is_found():
    assert _used_twice(["0001-layout.md", "0002-engines.md", "0002-twice.md"]) == ["0002"]


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decisions_heading_has_the_number_of_its_file(name):
    assert _is_headed_as_named(name, (ROOT / "docs" / "decisions" / name).read_text())


def _is_headed_as_named(name: str, text: str) -> bool:
    numbers = re.findall(r"^# (\d+)\. ", text)
    return len(numbers) == 1 and name.startswith(f"{int(numbers[0]):04d}-")


def _named_decisions(text: str) -> set[str]:
    return set(re.findall(r"docs/decisions/(\d{4}-[\w-]+\.md)", text))


def test_decisions_that_are_named_exist():
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".md"}]
    named = {name for path in (*files, *ROOT.glob("*.md")) for name in _named_decisions(path.read_text())}
    assert named
    assert named <= set(DECISIONS)


def test_a_decision_under_another_number_and_one_that_is_named_only_are_found():
    assert not _is_headed_as_named("0002-engines.md", "# 3. Engines\n")
    assert not _is_headed_as_named("0002-engines.md", "Engines\n")
    gone = "docs/decisions/" + "0999-gone.md"  # in two, so that this file names none that is not there
    assert _named_decisions(f"([why]({gone}))") == {"0999-gone.md"}
