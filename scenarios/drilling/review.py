"""The post-incident review: what happened, what was done, what it really was, and the points. Pure."""

from collections.abc import Mapping

import msgspec

from scenarios.drilling.record import PHASES, Drill, Impact, Moment
from scenarios.drilling.scoring import Score, score
from scenarios.money_text import money_text
from scenarios.plan import Scenario


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """One drill that is over. `complete`: every phase was reached. `run` is the one whose report shows the damage."""

    id: str
    title: str
    level: int
    seed: int
    run: str
    cause: str
    complete: bool
    score: Score
    truth: tuple[str, ...]
    findings: tuple[str, ...]
    impact: tuple[str, ...]
    timeline: tuple[Moment, ...]
    refused: tuple[str, ...] = ()
    note: str = ""
    named: Impact | None = None


def review(drill: Drill, incident: Scenario) -> Review:
    """All that is known, now that the drill is over."""
    account = score(drill, repairable=bool(incident.repair))
    return Review(
        id=drill.id,
        title=incident.title,
        level=drill.level,
        seed=drill.seed,
        run=drill.run,
        cause=drill.truth.cause,
        complete=all(line.after_s is not None for line in account.lines if line.what in PHASES),
        score=account,
        truth=_truth(drill, incident),
        findings=tuple(
            f"{finding.id} {finding.name}: {finding.violations} × violated ({finding.statement}); {finding.example}"
            for finding in drill.truth.findings
        )
        or ("Every invariant held.",),
        impact=tuple(_impact(drill)),
        timeline=tuple(sorted(drill.timeline, key=lambda moment: moment.at)),
        refused=tuple(f"{phase}: {reason}" for phase, reasons in drill.refused.items() for reason in reasons),
        note=drill.note,
        named=drill.impact,
    )


def _truth(drill: Drill, incident: Scenario) -> tuple[str, ...]:
    if drill.is_healthy:
        return ("healthy: nothing was planted. The symptoms were those of any busy sale.",)
    card = incident.defect(drill.truth.cause)
    return (
        f"{card.id} in {', '.join(card.services)}: {card.title}.",
        f"Root cause: {card.root_cause}",
        f"Brought out by: {card.exposed_by}",
        f"The mend: {card.fix}",
        f"Known from: {card.origin}",
    )


def _impact(drill: Drill) -> list[str]:
    truth = drill.truth
    lines = [
        f"{len(truth.orders)} orders affected, {truth.blast.customers} customers; "
        f"money at stake: {_said(truth.blast.money_minor)}; of the affected orders: {_said(truth.money_minor)}"
    ]
    if truth.first_violation_s is not None:
        lines.append(f"first violation {truth.first_violation_s:.1f} s into the load")
    if truth.orders:
        lines.append(f"affected: {', '.join(sorted(truth.orders.values()))}")
    if drill.impact is not None:
        lines.append(
            f"named: {drill.impact.named}, precision {drill.impact.precision:.0%}, recall {drill.impact.recall:.0%}"
        )
    if drill.money_minor is not None:
        lines.append(f"money named: {_said(drill.money_minor)}")
    lines += sorted(drill.harmed.values())
    return lines


def _said(money_minor: Mapping[str, int]) -> str:
    return " + ".join(money_text(amount, currency) for currency, amount in money_minor.items()) or "none"
