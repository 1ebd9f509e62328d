"""The map of what a shop comes back from: the worst of each cell, and only runs that were judged."""

from pathlib import Path

from scenarios.checkers import named
from scenarios.evidence import Evidence
from scenarios.report import write_report
from scenarios.report.metastability import Trial, drawn, trial_of, trials_beside
from scenarios.resilience import LOOK, SEARCH
from scenarios.run_directory import conclude
from scenarios.verdict import NONE_PLANTED, judge
from tests.support.builders import rush

JUDGES = named("INV-20")


def day(*, defect: str | None = None, load: float = 0.6, down: bool = False) -> Evidence:
    evidence = rush.rush_alone()
    evidence.facts.form, evidence.facts.defect, evidence.facts.parameters = "surge", defect, {"load": load}
    if down:
        rush.unanswered(evidence, rush.SURGE_AT, rush.ENDED_AT, LOOK, SEARCH)
    return evidence


def trial(**changes: object) -> Trial:
    known: dict[str, object] = {"fleet": NONE_PLANTED, "trigger": "surge", "load": 0.6, "seconds": 1.0}
    return Trial(**(known | changes))  # type: ignore[arg-type]


def test_a_run_is_a_trial_that_came_back_or_stayed_down():
    well, ill = day(), day(defect="no-deadlines", down=True)
    came_back, stayed = trial_of(well.facts, judge(well, JUDGES)), trial_of(ill.facts, judge(ill, JUDGES))
    assert came_back is not None
    assert came_back.tone == "pass"
    assert stayed is not None
    assert (stayed.fleet, stayed.said, stayed.tone) == ("no-deadlines", "stays down", "fail")


def test_a_run_that_was_not_judged_for_recovery_is_none():
    well = day()
    assert trial_of(well.facts, judge(well, named("INV-21"))) is None


def test_the_worst_of_a_cell_is_shown_and_what_was_not_tried_is_empty():
    found = drawn([trial(), trial(seconds=9.0), trial(fleet="x", load=0.8, seconds=None), trial(seconds=2.0)])
    assert found is not None
    assert found.columns == ["surge at 60%", "surge at 80%"]
    assert [line.fleet for line in found.lines] == [NONE_PLANTED, "x"]
    assert [[cell and cell.said for cell in line.cells] for line in found.lines] == [
        ["9.0 s", None],
        [None, "stays down"],
    ]


def test_nothing_tried_is_no_map():
    assert drawn([]) is None


def test_the_report_draws_the_runs_beside_it(tmp_path: Path):
    for number, evidence in enumerate((day(), day(defect="no-deadlines", load=0.8, down=True))):
        directory = tmp_path / f"20261122T11000{number}Z-{evidence.facts.scenario}-7"
        conclude(evidence, directory, JUDGES)
    (tmp_path / f"20261122T110009Z-{evidence.facts.scenario}-7").mkdir()
    assert len(trials_beside(directory, evidence.facts.scenario)) == 2
    html = write_report(directory).read_text()
    assert "surge at 60%" in html
    assert "stays down" in html
