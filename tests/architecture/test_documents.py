"""What ARCHITECTURE.md names exists."""

import re
from pathlib import Path

import pytest

from tests.apps import SERVICES

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
