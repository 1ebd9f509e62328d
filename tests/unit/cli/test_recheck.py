"""`shopctl scenario recheck`: a finished run is judged again, a damaged one is refused; no fleet is asked."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scenarios import runner
from scenarios.checkers import Outcome
from scenarios.drills import flash_sale
from scenarios.evidence import Evidence
from scenarios.parameters import parsed
from scenarios.plan import QUICK
from scenarios.run_directory import conclude, create_run_directory
from scenarios.runner import RunOptions
from tests.support.anomalies import charged_twice
from tests.support.builders import FlashSale
from tests.support.command_tree import TREE


def broken(evidence: Evidence) -> None:
    charged_twice(evidence)


def weak(evidence: Evidence) -> None:
    evidence.facts.problems.append("search.inbox: connection refused")


def healthy(evidence: Evidence) -> None:
    del evidence


def played(home: Path, change: Callable[[Evidence], None] = healthy, *, seed: int = 7) -> Path:
    """A run directory as a finished run leaves it."""
    evidence = FlashSale(seed=seed).evidence()
    change(evidence)
    directory = create_run_directory(home / "runs", "flash-sale", seed=seed)
    conclude(evidence, directory)
    return directory


def test_without_any_run_the_operator_is_told_how_to_play_one(shopctl) -> None:
    said = shopctl("scenario", "recheck")
    assert (said.code, said.out) == (3, "")
    assert said.lines == ["There is no run yet.", "Play one: shopctl scenario run flash-sale --quick"]


@pytest.mark.parametrize(("change", "code", "word"), [(healthy, 0, "PASS"), (broken, 1, "FAIL"), (weak, 3, "INVALID")])
def test_the_exit_code_is_the_verdict(shopctl, home: Path, change, code: int, word: str) -> None:
    directory = played(home, change)
    said = shopctl("scenario", "recheck", str(directory))
    assert said.code == code
    assert f"{word}  flash-sale, seed 7, no planted defect" in said.out
    assert f"report: {directory / 'report.html'}" in said.out


def test_the_table_names_every_invariant_and_the_first_violation(shopctl, home: Path) -> None:
    said = shopctl("scenario", "recheck", str(played(home, broken)))
    assert "INV-05" in said.out
    assert "captured 2 ×" in said.out
    assert "first violation at t = " in said.err


def test_too_weak_a_run_says_why(shopctl, home: Path) -> None:
    assert (
        "too weak to judge: search.inbox: connection refused"
        in shopctl("scenario", "recheck", str(played(home, weak))).err
    )


def test_programs_get_the_verdict_as_json(shopctl, home: Path) -> None:
    directory = played(home, broken)
    said = shopctl("scenario", "recheck", str(directory), "--json")
    assert (said.code, said.err) == (1, "")
    printed = json.loads(said.out)
    assert printed["directory"] == str(directory)
    assert printed["verdict"]["outcome"] == Outcome.FAIL
    assert printed["verdict"] == json.loads((directory / "verdict.json").read_text())


def test_the_latest_run_is_judged_when_none_is_named(shopctl, home: Path) -> None:
    played(home, broken, seed=1)
    newest = played(home, seed=2)
    newest = newest.rename(home / "runs" / "29990101T000000Z-flash-sale-2")
    assert json.loads(shopctl("scenario", "recheck", "--json").out)["directory"] == str(newest)


def test_a_run_that_was_copied_elsewhere_is_judged_and_shown_there(
    shopctl, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = played(home, broken)
    copy = shutil.copytree(original, tmp_path / "another place" / "of-a-friend")
    report, verdict = (copy / "report.html").read_text(), (copy / "verdict.json").read_bytes()
    for name in ("report.html", "junit.xml"):
        (copy / name).unlink()
    shutil.rmtree(home)
    monkeypatch.setenv("SHOPSTREAM_HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.chdir(copy.parent)
    assert shopctl("scenario", "recheck", copy.name).code == 1
    assert (copy / "verdict.json").read_bytes() == verdict
    assert (copy / "report.html").read_text() == report.replace(original.name, copy.name)
    assert not [path for path in copy.rglob("*") if path.is_file() and str(home).encode() in path.read_bytes()]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(12, len(content), 7):
        content[place] ^= 0xFF
    path.write_bytes(content)


def garble(path: Path) -> None:
    path.write_bytes(b"\xff\xfe no text of any kind")


def garble_zipped(path: Path) -> None:
    path.write_bytes(gzip.compress(b'{"id": "\xff"}\n'))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


def answer_without_question(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b'"invoke"' not in line))


def question_of_another_kind(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"customer_id"', b'"guest"'))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *[("facts.json", damage) for damage in (remove, cut, garble, empty)],
        *[
            ("history.jsonl", damage)
            for damage in (remove, cut, flip, garble, answer_without_question, question_of_another_kind)
        ],
        *[("snapshots/orders.jsonl.gz", damage) for damage in (remove, cut, flip, garble, garble_zipped)],
        *[("journals/psp.jsonl.gz", damage) for damage in (remove, cut, flip, garble)],
        *[("verdict.json", damage) for damage in (cut, garble, empty)],
        ("snapshots", shutil.rmtree),
    ],
)
def test_a_damaged_run_is_refused_by_the_name_of_the_file_and_never_judged(shopctl, home: Path, name, damage) -> None:
    directory = played(home)
    report = directory / "report.html"
    report.unlink()
    damage(directory / name)
    said = shopctl("scenario", "recheck", str(directory))
    assert (said.code, said.out, len(said.lines)) == (3, "", 2)
    assert said.lines[0].startswith(f"{directory} is not a whole run: ")
    assert name in said.lines[0]
    assert said.lines[1] == "Play it again."
    assert not report.exists()


@pytest.mark.parametrize("name", ["junit.xml", "report.html"])
def test_a_disk_that_is_full_is_not_a_damaged_run(shopctl, home: Path, name: str) -> None:
    directory = played(home)
    (directory / name).unlink()
    (directory / name).symlink_to("/dev/full")
    said = shopctl("scenario", "recheck", str(directory))
    assert (said.code, said.out, len(said.lines)) == (3, "", 2)
    assert "No space is left on the disk of" in said.lines[0]


def test_a_place_that_is_no_run_is_refused(shopctl, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place, code in ((tmp_path, 3), (tmp_path / "nowhere", 2), (tmp_path / "file", 2)):
        said = shopctl("scenario", "recheck", str(place))
        assert (said.code, len(said.lines)) == (code, 2)
        assert str(place) in said.lines[0]


def test_a_run_may_be_named_without_its_directory(shopctl, home: Path) -> None:
    directory = played(home)
    assert f"report: {directory / 'report.html'}" in shopctl("scenario", "recheck", directory.name).out


def test_a_runs_replay_command_plays_the_same_run() -> None:
    """What the report prints is understood by the command line, and means what was played."""
    options = RunOptions(
        seed=7,
        form=QUICK,
        defect="read-then-write",
        overrides={"buyers": "50", "over_s": "1.5"},
        kills=("inventory-2", "kafka"),
    )
    words = runner.replay_command(flash_sale.SCENARIO, options).split()
    assert words[:3] == ["shopctl", "scenario", "run"]
    asked = TREE.commands["scenario"].commands["run"].make_context("run", words[3:]).params
    assert (asked["name"], asked["seed"], asked["quick"], asked["defect"]) == ("flash-sale", 7, True, "read-then-write")
    assert parsed(asked["settings"]) == options.overrides
    assert tuple(asked["kill"]) == options.kills
