"""The report of a run: one stand-alone HTML file, drawn from evidence and verdict, judging nothing."""

from pathlib import Path

from scenarios.evidence import Evidence, in_scope, load_evidence
from scenarios.report.metastability import drawn, trials_beside
from scenarios.report.page import STYLE, page
from scenarios.verdict import Verdict, load_verdict

REPORT = "report.html"

__all__ = ["REPORT", "STYLE", "page", "write_report"]


def write_report(run_dir: Path, *, evidence: Evidence | None = None, verdict: Verdict | None = None) -> Path:
    """Writes `report.html`; evidence and verdict are read from the run directory unless given."""
    whole = evidence if evidence is not None else load_evidence(run_dir)
    judged = verdict if verdict is not None else load_verdict(run_dir)
    path = run_dir / REPORT
    narrowed = in_scope(whole)
    recovery = drawn(trials_beside(run_dir, whole.facts.scenario)) if whole.facts.course is not None else None
    path.write_text(page(narrowed, judged, run_name=run_dir.name, recovery=recovery), encoding="utf-8")
    return path
