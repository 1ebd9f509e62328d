"""Where a run keeps everything: `runs/<utc>-<scenario>-<seed>/`, complete enough to be judged again.

Files: plan.json, facts.json, history.jsonl, snapshots/, journals/, verdict.json, junit.xml, report.html; of an
attacked shop findings.json and findings.sarif too.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from compose.operator_error import OperatorError
from scenarios.assessment import assess, write_findings
from scenarios.checkers import ALL_CHECKERS, Checker
from scenarios.evidence import Evidence, EvidenceUnreadableError, in_scope, load_evidence, save_evidence
from scenarios.evidence.storage import HISTORY, UNDECODABLE
from scenarios.history import HistoryCorruptError
from scenarios.junit import write_junit
from scenarios.report import write_report
from scenarios.verdict import VERDICT, Verdict, judge, load_verdict, save_verdict

PLAN = "plan.json"
STAMP = "%Y%m%dT%H%M%SZ"
"""How a run's name begins: when its directory was made, in UTC."""
NAME_ATTEMPTS_MAX = 100


def create_run_directory(runs: Path, scenario: str, *, seed: int, now: datetime | None = None) -> Path:
    """A new, empty directory; a second run within the same second gets a running number."""
    stamp = (now or datetime.now(UTC)).strftime(STAMP)
    name = f"{stamp}-{scenario}-{seed}"
    for attempt in range(1, NAME_ATTEMPTS_MAX + 1):
        path = runs / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"{NAME_ATTEMPTS_MAX} runs are called {runs / name}")


def history_path(run_dir: Path) -> Path:
    """Where the workload's `HistoryWriter` writes."""
    return run_dir / HISTORY


def save_plan(run_dir: Path, plan: Any) -> None:
    """What was going to be done, before any of it is: any value that JSON can carry."""
    encoded = msgspec.json.format(msgspec.json.encode(plan), indent=2)
    (run_dir / PLAN).write_bytes(encoded + b"\n")


def conclude(evidence: Evidence, run_dir: Path, checkers: Iterable[Checker] = ALL_CHECKERS) -> Verdict:
    """Saves the evidence, then judges it, then writes verdict, JUnit and report."""
    save_evidence(evidence, run_dir)
    return write_judgement(evidence, run_dir, checkers)


def write_judgement(evidence: Evidence, run_dir: Path, checkers: Iterable[Checker]) -> Verdict:
    """Judges evidence that is saved there, and writes verdict, JUnit and report."""
    verdict = judge(evidence, checkers)
    save_verdict(verdict, run_dir)
    write_junit(verdict, run_dir)
    assessment = assess(in_scope(evidence))
    if assessment.attacks:
        write_findings(assessment, run_dir)
    write_report(run_dir, evidence=evidence, verdict=verdict)
    return verdict


def recheck(run_dir: Path, known: Iterable[Checker] = ALL_CHECKERS) -> Verdict:
    """Judges a saved run again, without a fleet, by those of the known invariants it was judged by before.

    Raises EvidenceUnreadableError when the directory is not a whole run.
    """
    evidence = load_evidence(run_dir)
    try:
        evidence.purchases  # noqa: B018 - the history is read as orders on first use
    except (HistoryCorruptError, msgspec.ValidationError) as error:
        raise EvidenceUnreadableError(f"{history_path(run_dir)}: {error}") from error
    return write_judgement(evidence, run_dir, _judged_before(run_dir, tuple(known)))


def find_run(runs: Path, wanted: str) -> Path:
    """A run by its directory, by its name among `runs`, or `latest`, the newest there.

    Raises `OperatorError` (run.none, run.unknown).
    """
    if wanted == "latest":
        newest = next(iter(newest_first(runs)), None)
        if newest is None:
            raise OperatorError(
                "run.none", "There is no run yet.", mend="Play one: shopctl scenario run flash-sale --quick"
            )
        return newest
    for directory in (Path(wanted), runs / wanted):
        if directory.is_dir():
            return directory
    raise OperatorError("run.unknown", f"There is no run {wanted}.", mend=f"Runs are in {runs}.")


def newest_first(runs: Path) -> list[Path]:
    """Every run directory, whole or interrupted."""
    return sorted((path for path in runs.glob("*Z-*-*") if path.is_dir()), reverse=True)


def _judged_before(run_dir: Path, known: tuple[Checker, ...]) -> tuple[Checker, ...]:
    if not (run_dir / VERDICT).exists():
        return known
    try:
        judged = {result.id for result in load_verdict(run_dir).results}
    except UNDECODABLE as error:
        raise EvidenceUnreadableError(f"{run_dir / VERDICT}: {error}") from error
    return tuple(checker for checker in known if checker.id in judged) or known
