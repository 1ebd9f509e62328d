"""`shopctl test`: what it counts, and what it refuses."""

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

import pytest

from cli.test import CATEGORIES, ROOT
from tests.support.categories import NOT_APPLICABLE, SERVICES

pytestmark = pytest.mark.timeout(600)  # collecting thousands of tests on a busy machine


def test_tests_are_counted_by_category(shopctl) -> None:
    said = shopctl("test", "saga", "consumer", "--count", "--json")
    counts = {row["category"]: row["count"] for row in json.loads(said.out)}
    assert said.code == 0
    assert list(counts) == [*CATEGORIES, "other", "all"]
    assert counts["saga"] > 0
    assert counts["consumer"] > 0
    assert counts["unit"] == counts["other"] == 0
    assert counts["all"] == counts["saga"] + counts["consumer"]


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, int]]:
    """How many tests each service has in each category, as a collection of all of them says."""
    path = tmp_path_factory.mktemp("count") / "matrix.json"
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", f"--matrix-to={path}"]
    subprocess.run([*command, "-p", "no:randomly", "tests"], cwd=ROOT, check=True, capture_output=True)
    return json.loads(path.read_text())


def test_every_service_has_tests_of_every_category_that_applies_to_it_and_of_no_other(counts) -> None:
    assert list(counts) == list(SERVICES)
    missing = {(service, one) for service, of in counts.items() for one, count in of.items() if not count}
    assert missing == set(NOT_APPLICABLE)
    assert all(len(reason) > 20 for reason in NOT_APPLICABLE.values())


@pytest.mark.parametrize("service", ["search"])
def test_the_tests_of_one_service_are_counted(shopctl, counts, service) -> None:
    said = shopctl("test", "performance", "concurrency", "--service", service, "--count", "--json")
    shown = {row["category"]: row["count"] for row in json.loads(said.out)}
    assert said.code == 0
    for category in ("performance", "concurrency"):
        assert shown[category] == counts[service][category] > 0
    assert shown["all"] == shown["performance"] + shown["concurrency"]


def test_the_page_has_the_table_with_a_reason_for_every_empty_cell() -> None:
    page = (ROOT / "docs" / "features.md").read_text()
    for (service, category), reason in NOT_APPLICABLE.items():
        assert f"- {service}, {category}: {reason}." in page
    empty = {line.split(" | ")[0][2:]: line.count("| n/a ") for line in page.splitlines() if "| n/a " in line}
    assert empty == Counter(service for service, _ in NOT_APPLICABLE)


def test_a_category_that_nobody_knows_is_refused(shopctl) -> None:
    said = shopctl("test", "frob", "--count")
    assert (said.code, said.lines[0]) == (2, "There is no test category frob.")


def test_an_interpreter_without_pytest_has_it_brought(shopctl, monkeypatch) -> None:
    """As `uv run shopctl test` finds it in a fresh checkout."""
    ran: list[list[str]] = []
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pytest" else found(name))
    monkeypatch.setenv("UV", sys.executable)
    monkeypatch.setattr(subprocess, "run", lambda command, **_: ran.append(command) or SimpleNamespace(returncode=0))
    assert shopctl("test", "unit").code == 0
    assert ran == [
        [sys.executable, "run", "--quiet", "--project", str(ROOT), "--group", "test", "pytest", "tests/unit"]
    ]
