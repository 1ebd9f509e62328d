"""The brief and the review as pages: one stand-alone HTML file each, beside the same as text."""

from pathlib import Path
from typing import Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from compose.layout import Layout
from scenarios.drilling import texts
from scenarios.drilling.draw import causes
from scenarios.drilling.record import Drill, folder
from scenarios.drilling.review import Review
from scenarios.drilling.signals import Graph
from scenarios.plan import Scenario
from scenarios.report import STYLE
from scenarios.report.plots import Curve, Frame, curve_plot, nice_top

BRIEF: Final = "brief.html"
REVIEW: Final = "review.html"
REVIEW_TEXT: Final = "review.txt"
STYLES: Final = ("s-blue", "s-orange", "s-green")

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)


class Drawing(msgspec.Struct, frozen=True):
    """A plot with its title and the unit of its values."""

    title: str
    unit: str
    plot: Markup


def write_brief(layout: Layout, drill: Drill, incident: Scenario) -> Path:
    """The page of an open drill; it says nothing that the brief does not."""
    page = _TEMPLATES.get_template(BRIEF).render(
        css=STYLE,
        drill=drill,
        brief=drill.brief,
        alerted_at=texts.clock(drill.alerted_at),
        drawings=[Drawing(graph.title, graph.unit, _plot(graph)) for graph in drill.brief.graphs],
        rules=texts.RULES,
        causes=causes(incident),
    )
    path = folder(layout, drill) / BRIEF
    path.write_text(page, encoding="utf-8")
    return path


def write_review(layout: Layout, drill: Drill, review: Review) -> Path:
    """The page and the text of a drill that is over; gives the page."""
    page = _TEMPLATES.get_template(REVIEW).render(
        css=STYLE,
        review=review,
        rows=texts.score_rows(review.score),
        timeline=[(texts.clock(moment.at), moment.what) for moment in review.timeline],
        run_report=Path("../..", layout.runs.name, review.run, "report.html"),
    )
    path = folder(layout, drill) / REVIEW
    path.write_text(page, encoding="utf-8")
    path.with_name(REVIEW_TEXT).write_text("\n".join(texts.review_lines(review)) + "\n", encoding="utf-8")
    return path


def _plot(graph: Graph) -> Markup:
    values = [value for points in graph.curves.values() for _, value in points]
    lowest = min([0.0, *values])
    frame = Frame(
        title=graph.title,
        unit=graph.unit,
        start_s=graph.start_s,
        end_s=graph.end_s,
        top=nice_top(max([1.0, *values])),
        bottom=-nice_top(-lowest) if lowest < 0 else 0.0,
    )
    curves = [
        Curve(name, style, points, steps=graph.steps)
        for style, (name, points) in zip(STYLES, graph.curves.items(), strict=False)
    ]
    return curve_plot(frame, curves)
