"""`shopctl test`: what it counts, and what it refuses."""

import importlib.util
import json
import subprocess
import sys
from types import SimpleNamespace

from cli.test import CATEGORIES, ROOT


def test_tests_are_counted_by_category(shopctl) -> None:
    said = shopctl("test", "saga", "consumer", "--count", "--json")
    counts = {row["category"]: row["count"] for row in json.loads(said.out)}
    assert said.code == 0
    assert list(counts) == [*CATEGORIES, "other", "all"]
    assert counts["saga"] > 0
    assert counts["consumer"] > 0
    assert counts["unit"] == counts["other"] == 0
    assert counts["all"] == counts["saga"] + counts["consumer"]


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
