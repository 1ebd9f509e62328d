"""`shopctl scenario compare`, `export` and what `matrix` writes: finished runs are looked at; no fleet is asked."""

import json
from pathlib import Path

import pytest

from cli.scenario.matrix import _choice, _write
from scenarios.drills import SCENARIOS
from scenarios.matrix import RESULT, Choice, counted
from scenarios.resumable import open_directory
from tests.support.anomalies import charged_twice
from tests.unit.cli.test_recheck import healthy, played


@pytest.mark.parametrize("words", [("compare", "latest"), ("export",)])
def test_without_a_run_the_operator_is_told_how_to_play_one(shopctl, words: tuple[str, ...]) -> None:
    said = shopctl("scenario", *words)
    assert said.code == 3
    assert said.lines == ["There is no run yet.", "Play one: shopctl scenario run flash-sale --quick"]


def test_two_runs_are_shown_side_by_side(shopctl, home: Path) -> None:
    first, second = played(home), played(home, charged_twice, seed=8)
    said = shopctl("scenario", "compare", first.name, second.name, "--differences")
    assert said.code == 0
    assert first.name in said.out
    assert "1 × captured_twice" in said.out
    assert "INV-01" not in said.out


def test_a_program_is_told_every_line(shopctl, home: Path) -> None:
    first, second = played(home), played(home, seed=8)
    told = json.loads(shopctl("scenario", "compare", first.name, str(second), "--json").out)
    assert (told["first"], told["second"]) == (first.name, second.name)
    assert {line["name"] for line in told["lines"] if line["first"] != line["second"]} == {"seed"}


@pytest.mark.parametrize(("words", "beginning"), [((), "{:index 0, "), (("--format", "json"), "[")])
def test_a_history_is_written_to_standard_output(shopctl, home: Path, words, beginning: str) -> None:
    played(home, healthy)
    for history in ("clients", "ledger", "orders"):
        said = shopctl("scenario", "export", "latest", "--history", history, *words)
        assert said.code == 0
        assert said.out.startswith(beginning)


def test_a_run_that_was_never_judged_is_compared_with_none(shopctl, home: Path) -> None:
    directory = played(home)
    (directory / "verdict.json").unlink()
    said = shopctl("scenario", "compare", directory.name)
    assert (said.code, said.lines[1]) == (3, "shopctl scenario recheck judges it.")


def test_a_finished_matrix_is_written_in_three_forms_and_the_next_begins_anew(tmp_path: Path) -> None:
    choice = Choice(defects={"flash-sale": ("read-then-write",)}, runs=1, first_seed=1)
    directory = open_directory(tmp_path, choice, result=RESULT)
    _write(counted(choice, []), directory)
    assert {path.name for path in directory.iterdir()} == {"choice.json", "matrix.html", "matrix.json", "matrix.md"}
    assert json.loads((directory / RESULT).read_bytes())["holds"] is False
    assert open_directory(tmp_path, choice, result=RESULT) != directory


def test_without_a_scenario_a_matrix_is_of_all_of_them() -> None:
    assert set(_choice([], defects=[], runs=1, seed=1, repair=False).defects) == {one.id for one in SCENARIOS}
    assert _choice(["flash-sale", "flash-sale"], defects=["read-then-write"], runs=1, seed=1, repair=False).defects == {
        "flash-sale": ("read-then-write",)
    }
