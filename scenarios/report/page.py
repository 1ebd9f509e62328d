"""Puts the report together: one HTML file that needs nothing else, neither network nor script."""

from itertools import cycle
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scenarios.assessment import assess
from scenarios.evidence import Chart, Evidence
from scenarios.report import sections
from scenarios.report.metastability import Map
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
from scenarios.verdict import Verdict

_HERE = Path(__file__).parent
TEMPLATES = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
STYLE = Markup((_HERE / "style.css").read_text())  # noqa: S704 -- a file of ours
LATENCY_FLOOR_MS = 1.0
CURVE_STYLES = ("s-blue", "s-orange", "s-green", "s-violet", "s-grey")


class Plot(msgspec.Struct, frozen=True):
    """A drawing with its title."""

    title: str
    drawing: Markup
    wide: bool = False


def page(evidence: Evidence, verdict: Verdict, *, run_name: str, recovery: Map | None = None) -> str:
    """`evidence` is already narrowed to its run; `recovery` is of this and other runs."""
    facts = evidence.facts
    sku = main_sku(evidence)
    return TEMPLATES.get_template("report.html").render(
        css=STYLE,
        title=f"{verdict.outcome} · {facts.title or facts.scenario} · seed {facts.seed}",
        heading=facts.title or facts.scenario,
        tone=verdict.outcome.lower(),
        outcome=verdict.outcome,
        exit_code=verdict.exit_code,
        chips=sections.chips(facts),
        headline=sections.headline(evidence, verdict, sku),
        tiles=sections.tiles(evidence, verdict, sku),
        plots=_plots(evidence, verdict, sku),
        answers=sections.answers(evidence),
        results=sections.results(verdict),
        skipped=verdict.skipped,
        happened=verdict.happened,
        findings=sections.findings(evidence, verdict),
        attacks=assess(evidence).attacks,
        books=sections.books(evidence),
        faults=sections.faults(facts),
        recovery=recovery,
        facts=sections.run_facts(facts),
        replay=sections.replay(facts),
        run_name=run_name,
        honesty=sections.honesty(verdict),
    )


def _plots(evidence: Evidence, verdict: Verdict, sku: str) -> list[Plot]:
    facts = evidence.facts
    span = plotted_span(evidence)
    bands = _bands(evidence)
    first = verdict.first_violation
    mark = Mark(f"first violation {first.after_s:.2f} s ({first.invariant})", first.after_s) if first else None
    drawn = [
        Plot("Answers per second", _answers_plot(evidence, span, bands, mark)),
        Plot("Time to answer (ms, logarithmic)", _latency_plot(evidence, span, bands, mark)),
    ]
    drawn += [Plot(f"{chart.title} ({chart.unit})", _chart(chart, bands, mark)) for chart in facts.charts]
    if not sku:
        return drawn
    return [Plot("Units: supply, sold, in stock", _units_plot(evidence, sku, span, bands, mark), wide=True), *drawn]


def _units_plot(evidence: Evidence, sku: str, span: Span, bands: list[Band], mark: Mark | None) -> Markup:
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


def _answers_plot(evidence: Evidence, span: Span, bands: list[Band], mark: Mark | None) -> Markup:
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


def _latency_plot(evidence: Evidence, span: Span, bands: list[Band], mark: Mark | None) -> Markup:
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


def _chart(chart: Chart, bands: list[Band], mark: Mark | None) -> Markup:
    points = [point for curve in chart.curves.values() for point in curve] or [(0.0, 0.0)]
    frame = Frame(
        title=chart.title,
        unit=chart.unit,
        start_s=min(0.0, *(at_s for at_s, _ in points)),
        end_s=max(1.0, *(at_s for at_s, _ in points)),
        top=nice_top(max(value for _, value in points)),
    )
    styles = cycle(CURVE_STYLES)
    curves = [Curve(label, next(styles), curve) for label, curve in chart.curves.items()]
    return curve_plot(frame, curves, bands=bands, mark=mark)


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
