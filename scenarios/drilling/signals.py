"""The brief of a drill: what a responder is shown, made from the evidence of its load. Symptoms only, and pure."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from scenarios.drilling.draw import Draw
from scenarios.drilling.symptoms import HERRINGS, NOISE, SYMPTOMS, Symptom
from scenarios.evidence import Evidence
from scenarios.evidence.logs import LogLine
from scenarios.report.series import (
    Point,
    Span,
    answer_rates,
    answers_by_code,
    latency_percentiles_ms,
    main_sku,
    plotted_span,
    unit_curves,
)
from scenarios.verdict import Verdict

LOG_LINES_MAX: Final = 12
LOG_TEXT_MAX: Final = 140
ALERTS_MAX: Final = 4
MAILS_MAX: Final = 6
MAILS_PER_SYMPTOM: Final = 2
EVENTS_SHOWN: Final = 6


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """Curves over seconds since the load began, each as (seconds, value) and with a name."""

    title: str
    unit: str
    start_s: float
    end_s: float
    curves: dict[str, tuple[Point, ...]]
    steps: bool = True


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A letter to the shop."""

    sender: str
    subject: str
    body: str


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """`known` is what colleagues have found out already; `gaps` says which signal is not there."""

    title: str
    alerts: tuple[str, ...]
    graphs: tuple[Graph, ...] = ()
    logs: tuple[str, ...] = ()
    mails: tuple[Mail, ...] = ()
    known: str = ""
    gaps: str = ""


def brief(evidence: Evidence, verdict: Verdict, drawn: Draw, *, known: str) -> Brief:
    """`evidence` is already narrowed to its run. The same evidence and draw give the same brief."""
    chance = random.Random(evidence.facts.seed)
    alerts = [f"{at_clock(evidence, 0.0)}  {line}" for line in _alerts(verdict, drawn, chance)]
    letters = list(dict.fromkeys(_mails(evidence, verdict, chance)))
    mails = chance.sample(letters, min(len(letters), MAILS_MAX))
    if drawn.misleads:
        herring = chance.choice(HERRINGS)
        alerts.append(f"{at_clock(evidence, 0.0)}  {herring.alert}")
        mails.append(_mail(herring, ""))
    chance.shuffle(alerts)
    chance.shuffle(mails)
    return Brief(
        title=evidence.facts.title or evidence.facts.scenario,
        alerts=tuple(alerts),
        graphs=() if drawn.missing == "graphs" else _graphs(evidence),
        logs=() if drawn.missing == "logs" else _logs(evidence),
        mails=() if drawn.missing == "mails" else tuple(mails),
        known=known,
        gaps=f"There are no {drawn.missing} tonight." if drawn.missing else "",
    )


def at_clock(evidence: Evidence, after_s: float) -> str:
    """A moment of the load as people see it on the wall."""
    at = (evidence.facts.load_started_at or evidence.facts.started_at) + after_s
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def _alerts(verdict: Verdict, drawn: Draw, chance: random.Random) -> list[str]:
    """A few of those that are due; what the defect is known by is always among them."""
    due = [result for result in verdict.results if result.id in verdict.failed and result.id in SYMPTOMS]
    chance.shuffle(due)
    if drawn.card is not None:
        known_by = drawn.card.caught_by
        due.sort(key=lambda result: result.id not in known_by)
    told = [SYMPTOMS[result.id].alert.format(count=result.violations, order="") for result in due[:ALERTS_MAX]]
    return told or [NOISE.alert]


def _mails(evidence: Evidence, verdict: Verdict, chance: random.Random) -> list[Mail]:
    mails = [_from_a_customer(NOISE, evidence, chance.choice(sorted(evidence.orders)))] if evidence.orders else []
    for result in verdict.results:
        if result.id not in verdict.failed or result.id not in SYMPTOMS:
            continue
        known = [stake.order_id for stake in result.stakes if stake.order_id in evidence.orders]
        about = chance.sample(known, min(len(known), MAILS_PER_SYMPTOM)) or [""]
        symptom = SYMPTOMS[result.id]
        if symptom.sender:
            mails.append(_mail(symptom, _number(evidence, about[0])))
        else:
            mails.extend(_from_a_customer(symptom, evidence, order_id) for order_id in about if order_id)
    return mails


def _from_a_customer(symptom: Symptom, evidence: Evidence, order_id: str) -> Mail:
    return _mail(symptom, _number(evidence, order_id), sender=evidence.orders[order_id].email)


def _mail(symptom: Symptom, number: str, *, sender: str = "") -> Mail:
    number = number or "one order"
    return Mail(
        sender=sender or symptom.sender,
        subject=symptom.subject.format(order=number, count=""),
        body=symptom.body.format(order=number, count=""),
    )


def _number(evidence: Evidence, order_id: str) -> str:
    order = evidence.orders.get(order_id)
    return "" if order is None else order.number or order.id


def _graphs(evidence: Evidence) -> tuple[Graph, ...]:
    span = plotted_span(evidence)
    graphs: list[Graph] = []
    sku = main_sku(evidence)
    if evidence.facts.scarce_skus and sku:
        curves = unit_curves(evidence, sku, span)
        units = {"supply": curves.supply, "confirmed to customers": curves.confirmed, "in stock": curves.available}
        graphs.append(_graph(f"Units of {sku}", "units", span, units))
    graphs.append(_graph("Captures at the provider", "count", span, _captures(evidence, span)))
    rates = answer_rates(evidence, span)
    by_second = {
        name: _bucketed(values, span)
        for name, values in (("accepted", rates.accepted), ("refused", rates.refused), ("no answer", rates.unknown))
    }
    graphs.append(_graph("Answers per second", "1/s", span, by_second, steps=False))
    p95 = {f"p{percentile}": points for percentile, points in latency_percentiles_ms(evidence, span).items()}
    graphs.append(_graph("Time to answer", "ms", span, p95, steps=False))
    return tuple(graphs)


def _captures(evidence: Evidence, span: Span) -> dict[str, list[Point]]:
    """What the provider took, by count, beside the orders that were ever paid."""
    since = evidence.facts.since_load
    captured = [since(line.at) for line in evidence.journals.psp if line.kind == "capture"]
    paid = [since(row.at) for row in evidence.audit.order_transitions if row.to_status == "paid"]
    return {"captures": _counted(captured, span), "orders paid": _counted(paid, span)}


def _counted(moments: Iterable[float], span: Span) -> list[Point]:
    ordered = sorted(moments)
    points = [(span.start_s, 0.0)]
    points += [(min(at, span.end_s), float(number)) for number, at in enumerate(ordered, start=1)]
    return [*points, (span.end_s, float(len(ordered)))]


def _bucketed(values: Sequence[float], span: Span) -> list[Point]:
    return [(span.middle_s(bucket), value) for bucket, value in enumerate(values)]


def _graph(title: str, unit: str, span: Span, curves: dict[str, list[Point]], *, steps: bool = True) -> Graph:
    return Graph(
        title=title,
        unit=unit,
        start_s=span.start_s,
        end_s=span.end_s,
        curves={name: tuple(points) for name, points in curves.items()},
        steps=steps,
    )


def _logs(evidence: Evidence) -> tuple[str, ...]:
    """Processes that came again, what failed aloud, what clients were told, what was said on the broker."""
    lines = [
        (fault.at, f"supervisor    {fault.target} was gone and is back")
        for fault in evidence.facts.faults
        if fault.name == "kill"
    ]
    lines += [(line.at, _log_line(line)) for line in _telling(evidence.logs)]
    told = [f"{datetime.fromtimestamp(at, UTC):%H:%M:%S.%f}"[:-3] + f"  {text}" for at, text in sorted(lines)]
    clients = ", ".join(f"{code} {count}" for _, code, count in answers_by_code(evidence.operations)[:EVENTS_SHOWN])
    events = Counter(row.type for row in evidence.audit.outbox).most_common(EVENTS_SHOWN)
    return (
        *told,
        f"access log, answers to customers: {clients}",
        f"broker, messages: {', '.join(f'{kind} {count}' for kind, count in events)}",
    )


def _telling(logs: Sequence[LogLine]) -> list[LogLine]:
    """A few lines of every kind, oldest first."""
    kept: list[LogLine] = []
    seen: Counter[tuple[str, str, int]] = Counter()
    for line in logs:
        kind = line.service, line.event, line.status
        seen[kind] += 1
        if seen[kind] <= 2 and len(kept) < LOG_LINES_MAX:
            kept.append(line)
    return kept


def _log_line(line: LogLine) -> str:
    where = f"{line.instance:<13}"
    if line.event == "request":
        return f"{where} {line.status} {line.method} {line.path}"
    return f"{where} {line.level} {line.event} {line.target or line.job} {_in_one_line(line.message)}".rstrip()


def _in_one_line(text: str) -> str:
    return " ".join(text.split())[:LOG_TEXT_MAX]
