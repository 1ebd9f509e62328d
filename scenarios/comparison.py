"""Two runs side by side: which invariants they violated, what did happen, how their load went. Judges nothing anew."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from scenarios.evidence import Evidence
from scenarios.report.series import percentile_of
from scenarios.verdict import Verdict

PERCENTILES: Final = (50, 95, 99)
MILLISECONDS: Final = 1_000


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of both runs; `first` and `second` are None where a run does not have it."""

    subject: str
    name: str
    first: Any
    second: Any

    @property
    def differs(self) -> bool:
        return self.first != self.second


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`lines` by subject: run, invariant, happened, figure, answers, latency."""

    first: str
    second: str
    lines: tuple[Line, ...]

    @property
    def differences(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.differs)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared of one run."""

    name: str
    evidence: Evidence
    verdict: Verdict


def compare(first: Run, second: Run) -> Comparison:
    """Pure: the same two runs give the same lines."""
    lines: list[Line] = []
    for subject, of in SUBJECTS.items():
        one, other = of(first), of(second)
        lines.extend(
            Line(subject=subject, name=name, first=one.get(name), second=other.get(name))
            for name in dict.fromkeys((*one, *other))
        )
    return Comparison(first=first.name, second=second.name, lines=tuple(lines))


def _run(run: Run) -> dict[str, Any]:
    facts, verdict = run.evidence.facts, run.verdict
    return {
        "verdict": str(verdict.outcome),
        "scenario": facts.scenario,
        "form": facts.form,
        "seed": facts.seed,
        "planted": verdict.planted,
        "load, s": round(facts.load_s, 1),
        "first violation, s": verdict.first_violation.after_s if verdict.first_violation else None,
        "at stake": verdict.blast.said,
        **{f"parameter {name}": value for name, value in facts.parameters.items()},
    }


def _invariants(run: Run) -> dict[str, Any]:
    return {
        f"{result.id} {result.name}": _found(str(result.outcome).lower(), result.counts)
        for result in run.verdict.results
    }


def _found(outcome: str, counts: Mapping[str, int]) -> str:
    return ", ".join((outcome, *(f"{count} × {kind}" for kind, count in counts.items())))


def _happened(run: Run) -> dict[str, Any]:
    return {state.id: state.count for state in run.verdict.happened}


def _figures(run: Run) -> dict[str, Any]:
    return {
        f"{subject}: {name}": value
        for subject, figures in run.evidence.facts.figures.items()
        for name, value in figures.items()
    }


def _answers(run: Run) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    for operation in run.evidence.operations:
        name = f"{operation.invoke.function} {operation.outcome}"
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def _latency(run: Run) -> dict[str, Any]:
    """Milliseconds to a definite answer, by function."""
    took: dict[str, list[float]] = {}
    for operation in run.evidence.operations:
        if operation.latency_s is not None and operation.outcome != "info":
            took.setdefault(operation.invoke.function, []).append(operation.latency_s * MILLISECONDS)
    return {
        f"{function} p{percentile}, ms": round(percentile_of(sorted(values), percentile))
        for function, values in sorted(took.items())
        for percentile in PERCENTILES
    }


SUBJECTS: Final = {
    "run": _run,
    "invariant": _invariants,
    "did happen": _happened,
    "figure": _figures,
    "answers": _answers,
    "latency": _latency,
}


def shown(lines: Iterable[Line]) -> list[tuple[str, str, str, str, str]]:
    """For a table: the subject only where it begins, and a mark where the runs differ."""
    rows: list[tuple[str, str, str, str, str]] = []
    subject = ""
    for line in lines:
        rows.append(
            (
                "" if line.subject == subject else line.subject,
                line.name,
                _text(line.first),
                _text(line.second),
                "≠" if line.differs else "",
            )
        )
        subject = line.subject
    return rows


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)
