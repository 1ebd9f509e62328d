import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scenarios.checkers import Outcome, named
from scenarios.evidence import EvidenceUnreadableError, load_evidence, save_evidence
from scenarios.run_directory import conclude, create_run_directory, find_run, recheck, save_plan
from scenarios.verdict import load_verdict
from tests.support.anomalies import charged_twice, oversell
from tests.support.builders import FlashSale

NOW = datetime(2026, 11, 22, 11, 0, 0, tzinfo=UTC)


def test_a_run_directory_is_named_by_time_scenario_and_seed(tmp_path: Path) -> None:
    first = create_run_directory(tmp_path, "flash-sale", seed=7, now=NOW)
    second = create_run_directory(tmp_path, "flash-sale", seed=7, now=NOW)
    assert first.name == "20261122T110000Z-flash-sale-7"
    assert second.name == "20261122T110000Z-flash-sale-7-2"
    assert find_run(tmp_path, "latest") == second


def test_evidence_survives_its_storage(tmp_path: Path) -> None:
    evidence = FlashSale().evidence()
    save_evidence(evidence, tmp_path)
    loaded = load_evidence(tmp_path)
    assert loaded.audit == evidence.audit
    assert loaded.history == evidence.history
    assert loaded.facts == evidence.facts
    assert loaded.journals == evidence.journals
    assert loaded.logs == evidence.logs


def test_a_saved_run_is_judged_again_the_same(tmp_path: Path) -> None:
    evidence = FlashSale().evidence()
    oversell(evidence, range(14, 20))
    save_plan(tmp_path, {"scenario": "flash-sale"})
    verdict = conclude(evidence, tmp_path)
    assert verdict.outcome is Outcome.FAIL
    (tmp_path / "report.html").unlink()
    assert recheck(tmp_path) == verdict == load_verdict(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "plan.json",
        "facts.json",
        "history.jsonl",
        "logs.jsonl.gz",
        "snapshots",
        "journals",
        "verdict.json",
        "junit.xml",
        "report.html",
    }


def test_a_recheck_judges_what_was_judged_before(tmp_path: Path) -> None:
    conclude(FlashSale().evidence(), tmp_path, named("INV-02", "INV-05"))
    assert [result.id for result in recheck(tmp_path).results] == ["INV-02", "INV-05"]


def test_a_history_that_the_workload_wrote_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_bytes(b"")
    save_evidence(FlashSale().evidence(), tmp_path)
    assert (tmp_path / "history.jsonl").read_bytes() == b""


@pytest.mark.parametrize("name", ["facts.json", "history.jsonl", "snapshots/orders.jsonl.gz", "journals/psp.jsonl.gz"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    save_evidence(FlashSale().evidence(), tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(EvidenceUnreadableError, match=name):
        load_evidence(tmp_path)


def test_evidence_that_does_not_parse_is_not_judged(tmp_path: Path) -> None:
    save_evidence(FlashSale().evidence(), tmp_path)
    with gzip.open(tmp_path / "snapshots" / "stock.jsonl.gz", "wb") as file:
        file.write(b'{"warehouse": 7}\n')
    with pytest.raises(EvidenceUnreadableError, match="stock"):
        load_evidence(tmp_path)


def test_a_cut_off_file_is_not_judged(tmp_path: Path) -> None:
    save_evidence(FlashSale().evidence(), tmp_path)
    path = tmp_path / "snapshots" / "orders.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(EvidenceUnreadableError):
        load_evidence(tmp_path)


def test_a_recheck_reads_the_evidence_anew(tmp_path: Path) -> None:
    evidence = FlashSale().evidence()
    conclude(evidence, tmp_path)
    charged_twice(evidence)
    save_evidence(evidence, tmp_path)
    assert recheck(tmp_path).failed == ("INV-05", "INV-06")
