"""Puts the report together: one HTML file that needs nothing else, neither network nor script."""

from html import escape

from scenarios.checkers import Outcome
from scenarios.evidence import Evidence
from scenarios.report import sections
from scenarios.report.plots import (
    WIDE_HEIGHT,
    WIDE_WIDTH,
    Area,
    Band,
    Curve,
    Frame,
    Mark,
    curve_plot,
    nice_top,
    stacked_plot,
)
from scenarios.report.series import (
    Span,
    answer_rates,
    latency_percentiles_ms,
    main_sku,
    plotted_span,
    unit_curves,
)
from scenarios.report.style import CSS
from scenarios.statistics_text import none_in
from scenarios.verdict import Verdict

LATENCY_FLOOR_MS = 1.0


def page(evidence: Evidence, verdict: Verdict, *, run_name: str) -> str:
    """`evidence` is already narrowed to its run."""
    facts = evidence.facts
    sku = main_sku(evidence)
    parts = [
        sections.header(evidence, verdict, sku),
        sections.tiles(evidence, verdict, sku),
        "<h2>What happened</h2>",
        _plots(evidence, verdict, sku),
        "<h2>Invariants</h2>",
        sections.invariants(verdict),
    ]
    if any(result.outcome is Outcome.FAIL for result in verdict.results):
        parts += ["<h2>Evidence</h2>", sections.findings(facts, verdict)]
    if drawn := sections.books(evidence):
        parts += ["<h2>The money, in four books</h2>", drawn]
    if drawn := sections.faults(facts):
        parts += ["<h2>Faults injected</h2>", drawn]
    parts += [
        '<h2>The run</h2><div class="grid">',
        f'<div class="card"><h3>Facts</h3>{sections.run_facts(facts)}</div>',
        f'<div class="card"><h3>How to replay</h3>{sections.replay(facts, run_name)}</div></div>',
        f"<footer>{escape(_honesty(verdict))}</footer>",
    ]
    title = f"{verdict.outcome} · {facts.title or facts.scenario} · seed {facts.seed}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{CSS}</style></head><body><main>"
        + "\n".join(parts)
        + "</main></body></html>\n"
    )


def _plots(evidence: Evidence, verdict: Verdict, sku: str) -> str:
    span = plotted_span(evidence)
    bands = _bands(evidence)
    first = verdict.first_violation
    mark = Mark(f"first violation {first.after_s:.2f} s ({first.invariant})", first.after_s) if first else None
    drawn: list[str] = []
    if sku:
        drawn.append(_card("Units: supply, sold, in stock", _units_plot(evidence, sku, span, bands, mark), wide=True))
    drawn += [
        _card("Answers per second", _answers_plot(evidence, span, bands, mark)),
        _card("Time to answer (ms, logarithmic)", _latency_plot(evidence, span, bands, mark)),
        _card("What clients were told", sections.answers(evidence), wide=True),
    ]
    return f'<div class="grid">{"".join(drawn)}</div>'


def _units_plot(evidence: Evidence, sku: str, span: Span, bands: list[Band], mark: Mark | None) -> str:
    curves = unit_curves(evidence, sku, span)
    highest = max(value for curve in (curves.supply, curves.confirmed, curves.available) for _, value in curve)
    lowest = min(0.0, *(value for _, value in curves.available))
    frame = Frame(
        title=f"units of {sku} over time",
        unit="units",
        start_s=span.start_s,
        end_s=span.end_s,
        top=nice_top(highest),
        bottom=-nice_top(-lowest) if lowest < 0 else 0.0,
        width=WIDE_WIDTH,
        height=WIDE_HEIGHT,
    )
    return curve_plot(
        frame,
        [
            Curve(f"supply of {sku}", "s-grey", curves.supply, steps=True, dashed=True),
            Curve("confirmed to clients, not cancelled", "s-blue", curves.confirmed, steps=True),
            Curve("available in stock", "s-green", curves.available, steps=True),
        ],
        area=Area("sold beyond supply", "s-red", curves.oversold),
        bands=bands,
        mark=mark,
    )


def _answers_plot(evidence: Evidence, span: Span, bands: list[Band], mark: Mark | None) -> str:
    rates = answer_rates(evidence, span)
    stacked = [sum(row) for row in zip(rates.accepted, rates.refused, rates.unknown, strict=True)]
    frame = Frame(
        title="answers per second",
        unit="per second",
        start_s=span.start_s,
        end_s=span.end_s,
        top=nice_top(max(stacked)),
    )
    layers = [
        ("accepted", "s-green", rates.accepted),
        ("unknown", "s-orange", rates.unknown),
        ("refused", "s-grey", rates.refused),
    ]
    return stacked_plot(frame, layers, bands=bands, mark=mark)


def _latency_plot(evidence: Evidence, span: Span, bands: list[Band], mark: Mark | None) -> str:
    curves = latency_percentiles_ms(evidence, span)
    values = [value for curve in curves.values() for _, value in curve] or [LATENCY_FLOOR_MS]
    frame = Frame(
        title="time to answer",
        unit="ms",
        start_s=span.start_s,
        end_s=span.end_s,
        bottom=max(LATENCY_FLOOR_MS, 10.0 ** _power_below(min(values))),
        top=max(values) * 1.5,
        logarithmic=True,
    )
    styles = {50: "s-green", 95: "s-blue", 99: "s-violet"}
    return curve_plot(
        frame,
        [Curve(f"p{percentile}", styles[percentile], points) for percentile, points in curves.items()],
        bands=bands,
        mark=mark,
    )


def _power_below(value: float) -> int:
    power = 0
    while 10.0 ** (power + 1) <= value:
        power += 1
    return power


def _bands(evidence: Evidence) -> list[Band]:
    facts = evidence.facts
    return [
        Band(
            f"{fault.name} {fault.target}".strip(),
            facts.since_load(fault.at),
            facts.since_load(fault.healed_at if fault.healed_at is not None else fault.at),
        )
        for fault in facts.faults
    ]


def _card(title: str, body: str, *, wide: bool = False) -> str:
    return f'<div class="card{" wide" if wide else ""}"><h3>{escape(title)}</h3>{body}</div>'


def _honesty(verdict: Verdict) -> str:
    said = {
        Outcome.PASS: f"One run judged: {none_in(1)}. A pass says what this run showed, not that races are impossible; "
        "repeat it with other seeds to bound the rate.",
        Outcome.FAIL: "A violation seen once is a violation. Its rate is known only from repeated runs.",
        Outcome.INVALID: "The run was too weak to say anything; INVALID is never a pass.",
    }
    return (
        said[verdict.outcome] + " Judged from stored rows, client history and witnesses; equal evidence, equal verdict."
    )
