"""`docs/mutants.md` is what its run said, and each survivor has a reason that still is about the code as it stands."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support import mutants

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\w+) \| `([^`]+)` \| (\d+) \| (\d+) \| (\d+) % \| (\d+) \|$", re.MULTILINE)
SECTION = re.compile(r"^### `([^`]+)`\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)
LIVING = re.compile(r"^- `` (.*) ``$", re.MULTILINE)
KNOWN = mutants.reasons()
PAGE = mutants.TABLE.read_text()


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_mutmut_changes_the_modules_that_are_named_here():
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]["only_mutate"]
    assert sorted(configured) == sorted(KNOWN.modules)
    assert set(KNOWN.rules) == {"money", "pricing", "ledger", "idempotency", "reservations", "sagas"}


def test_every_module_with_functions_is_in_the_table_and_enough_of_its_mutants_are_killed():
    rows = {module: (subject, *map(int, counts)) for subject, module, *counts in ROW.findall(PAGE)}
    assert sorted(rows) == sorted(module for module in KNOWN.modules if mutants.functions(module))
    for module, (subject, of_all, killed, percent, alive) in rows.items():
        assert subject == KNOWN.modules[module]
        assert (alive, percent) == (of_all - killed, 100 * killed // of_all)
        assert percent >= mutants.KILLED_PERCENT_MIN, module


def test_the_page_lists_the_survivors_that_have_a_reason_and_no_others():
    listed = {module: LIVING.findall(told) for module, told in SECTION.findall(PAGE)}
    assert listed == {module: KNOWN.named(module) for module in KNOWN.survivors}
    for module, subject_of in KNOWN.survivors.items():
        assert len(set(KNOWN.named(module))) == len(KNOWN.named(module)), module
        assert all(len(reason.why) > 20 for reason in subject_of), module


@pytest.mark.parametrize("module", KNOWN.survivors)
def test_what_lives_is_a_change_of_a_line_that_still_stands(module: str):
    of = mutants.functions(module)
    for mutant in KNOWN.named(module):
        function, _, change = mutant.partition(": ")
        was = change.split(" → ")[0]
        assert function in of, f"{mutant}: run nox -s mutants"
        assert squeezed(was) in squeezed(of[function]), f"{mutant}: run nox -s mutants"


def test_too_few_killed_a_survivor_without_a_reason_and_a_reason_without_one_are_told():
    known = mutants.Reasons(
        {"money": ("a.py", "b.py")}, {"a.py": (mutants.Reason("it is the same", ("f: x → y", "f: x → z")),)}
    )
    found = {"a.py": mutants.Found(10, 8, ("f: x → y", "g: 1 → 2")), "b.py": mutants.Found(100, 79, ())}
    assert mutants.faults(known, found) == [
        "a.py: lives without a reason: g: 1 → 2",
        "b.py: 79 % killed, 80 % are wanted",
        "a.py: has a reason and does not live: f: x → z",
    ]
