"""What a drill says in a terminal, as lines. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from scenarios.drilling.draw import causes
from scenarios.drilling.record import Drill
from scenarios.drilling.review import Review
from scenarios.drilling.scoring import Score
from scenarios.drilling.terminal_plot import drawn
from scenarios.plan import Scenario

RULES: Final = (
    "Find where and why: shopctl drill submit --service SERVICE --cause CAUSE; a wrong answer costs points.",
    "Say whom it hit: shopctl drill submit --impact FILE, with a number of an order in each line, or none; and how "
    "much goes back to them, or, where nothing does, what their orders come to: --money 12.30EUR,450JPY, or none.",
    "Stop the harm: scale, restart, or run the release before with shopctl drill roll-back SERVICE; show that it is "
    "stopped: shopctl drill prove --as-it-stands.",
    "Undo the harm with shopctl repair …, see with shopctl drill status whether it counts, then: shopctl drill prove.",
    "On level 4 it may be that nothing is wrong: the cause is then healthy. At the end: shopctl drill report.",
)


def brief_lines(drill: Drill, incident: Scenario) -> list[str]:
    """The brief: what anybody on call would see."""
    brief = drill.brief
    lines = [f"{brief.title}   drill {drill.id}, level {drill.level}", "", "ALERTS"]
    lines += [f"  {alert}" for alert in brief.alerts]
    if brief.gaps:
        lines += ["", brief.gaps]
    for graph in brief.graphs:
        lines += ["", *drawn(graph)]
    if brief.logs:
        lines += ["", "LOGS", *(f"  {line}" for line in brief.logs)]
    if brief.mails:
        lines += ["", "MAIL"]
    for mail in brief.mails:
        lines += [f"  From: {mail.sender}", f"  Subject: {mail.subject}", f"    {mail.body}", ""]
    if brief.known:
        lines += ["KNOWN SO FAR", f"  {brief.known}", ""]
    return [*lines, "YOUR TASK", *(f"  {rule}" for rule in RULES), f"  Causes: {', '.join(causes(incident))}"]


def score_rows(score: Score) -> list[tuple[str, str, str, str]]:
    """Rows of a table: what, points, of how many, when."""
    rows = [
        (line.what, f"{line.points:g}", str(line.of or ""), "" if line.after_s is None else _minutes(line.after_s))
        for line in score.lines
    ]
    return [*rows, ("total", str(score.total), str(score.of), "")]


def review_lines(review: Review) -> list[str]:
    """The whole review."""
    lines = [f"{review.title}: post-incident review", f"drill {review.id}, level {review.level}, seed {review.seed}"]
    lines += ["", f"SCORE  {review.score.total} of {review.score.of}"]
    lines += [
        f"  {what:<36}{points:>7} {of and '/ ' + of:<6}{when}" for what, points, of, when in score_rows(review.score)
    ]
    lines += ["", "THE TRUTH", *_indented(review.truth)]
    lines += ["", "WHAT THE INVARIANTS SAID", *_indented(review.findings)]
    lines += ["", "IMPACT", *_indented(review.impact)]
    lines += ["", "TIMELINE", *(f"  {clock(moment.at)}  {moment.what}" for moment in review.timeline)]
    if review.refused:
        lines += ["", "NOT REACHED", *_indented(review.refused)]
    if review.note:
        lines += ["", "THE RESPONDER'S WORDS", f"  {review.note}"]
    return lines


def clock(at: float) -> str:
    """A moment as people see it on the wall (UTC)."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _minutes(seconds: float) -> str:
    return f"after {int(seconds) // 60}:{int(seconds) % 60:02}"
