"""What the linter is relied on for is switched on: each planted mistake is found in a file of the product's."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE = '"""A module."""\n\n\n'


def _found(code: str) -> str:
    command = [sys.executable, "-m", "ruff", "check", "--output-format=concise", "--stdin-filename=svc/orders/one.py"]
    checked = subprocess.run(
        [*command, "-"], input=MODULE + code, capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert checked.returncode in {0, 1}, checked.stderr
    return checked.stdout


def _with_default(kind: str, default: str) -> str:
    return f'def added(one: str, to: {kind} = {default}) -> object:\n    """Add."""\n    return one, to\n'


@pytest.mark.parametrize(
    ("kind", "default"), [("list[str]", "[]"), ("dict[str, str]", "{}"), ("list[str]", "list()"), ("set[str]", "set()")]
)
def test_a_default_that_calls_share_is_found_by_the_linter(kind, default):
    assert "B006" in _found(_with_default(kind, default))


def test_a_default_that_nobody_can_change_is_sound():
    assert _found(_with_default("tuple[str, ...]", "()")) == "All checks passed!\n"


def test_an_error_that_is_swallowed_is_found_by_the_linter():
    code = 'def added() -> None:\n    """Add."""\n    try:\n        added()\n    except Exception:\n        pass\n'
    assert {"BLE001", "S110"} <= set(_found(code).replace(":", " ").split())
