"""A trace and a dashboard drawn from what Jaeger and Prometheus said, photographed by Chromium."""

import subprocess
import tempfile
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from markupsafe import escape

from compose.containers.dashboards import Panel
from scenarios.report.page import CURVE_STYLES, STYLE
from scenarios.report.plots import Curve, Frame, curve_plot, nice_top
from scenarios.waterfall import Bar, waterfall
from shared.span_file import SpanRecord
from tests.compose.observing import Series

WIDTH = 1180
ROW_PX = 19
LABEL_PX = 430
BARS_PX = 690
DEPTH_PX = 12
HEAD_PX = 120
PANEL_ROW_PX = 310
SERIES_MAX = 5
UNITS = {"reqps": "a second", "s": "seconds", "short": ""}
PHOTOGRAPHED_S = 60


def trace(spans: list[SpanRecord]) -> str:
    """A page with the waterfall."""
    bars = waterfall(spans)
    total = max(bar.offset_ms + bar.duration_ms for bar in bars)
    services = sorted(
        {bar.service for bar in bars}, key=lambda name: next(b.offset_ms for b in bars if b.service == name)
    )
    styles = dict(zip(services, cycle(CURVE_STYLES), strict=False))
    rows = "".join(_row(bar, number, total, styles[bar.service]) for number, bar in enumerate(bars))
    height = ROW_PX * len(bars) + 10
    drawing = f'<svg class="plot" viewBox="0 0 {WIDTH - 40} {height}">{rows}</svg>'
    said = f"{len(bars)} spans of {len(services)} services in {total:.0f} ms: {', '.join(services)}"
    return _page("One checkout", said, f'<div class="card">{drawing}</div>')


def dashboard(title: str, drawn: Sequence[tuple[Panel, Series]]) -> str:
    """A page with every panel of a dashboard."""
    cards = "".join(f'<div class="card"><h3>{escape(panel.title)}</h3>{_panel(panel, it)}</div>' for panel, it in drawn)
    return _page(title, "compose/observability/grafana/dashboards", f'<div class="grid">{cards}</div>')


def shoot(page: str, to: Path) -> None:
    """Photograph a page; its height is in its first line."""
    height = int(page.split("-->", 1)[0].removeprefix("<!--"))
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "page.html"
        file.write_text(page)
        headless = ("--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={scratch}/profile")
        window = (f"--window-size={WIDTH},{height}", f"--screenshot={to.absolute()}")
        subprocess.run(
            ["chromium", *headless, *window, file.as_uri()], check=True, capture_output=True, timeout=PHOTOGRAPHED_S
        )


def _row(bar: Bar, number: int, total_ms: float, style: str) -> str:
    y = number * ROW_PX
    x = LABEL_PX + bar.offset_ms / total_ms * BARS_PX
    width = max(bar.duration_ms / total_ms * BARS_PX, 2.0)
    return (
        f'<g class="{style}"><text class="tick" x="{4 + bar.depth * DEPTH_PX}" y="{y + 13}">{escape(bar.service)}'
        f' <tspan fill-opacity=".7">{escape(bar.name)}</tspan></text>'
        f'<rect class="bar" x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="{ROW_PX - 7}" rx="2"/></g>'
    )


def _panel(panel: Panel, series: Series) -> str:
    most = sorted(series, key=lambda it: -max((value for _, value in it[1]), default=0.0))[:SERIES_MAX]
    points = [point for _, line in most for point in line]
    if not points:
        return "<p>nothing in this time</p>"
    start, end = min(at for at, _ in points), max(at for at, _ in points)
    curves = [
        Curve(_legend(panel.legend, labels), style, [(at - start, value) for at, value in line])
        for (labels, line), style in zip(most, CURVE_STYLES, strict=False)
    ]
    frame = Frame(
        title=panel.title, unit=UNITS[panel.unit], start_s=0.0, end_s=end - start,
        top=nice_top(max(value for _, value in points)),
    )  # fmt: skip
    return curve_plot(frame, curves)


def _legend(form: str, labels: dict[str, str]) -> str:
    """`{{service}} {{status}}` as Grafana fills it."""
    for name, value in labels.items():
        form = form.replace(f"{{{{{name}}}}}", value)
    return form


def _page(title: str, said: str, content: str) -> str:
    rows = content.count("<g class") or 0
    panels = content.count("<h3>")
    height = HEAD_PX + (rows * ROW_PX + 60 if rows else (panels + 1) // 2 * PANEL_ROW_PX + 20)
    return (
        f"<!--{height}--><!doctype html><meta charset=utf-8><style>{STYLE}main{{padding-bottom:20px}}</style>"
        f"<main><h2>{escape(title)}</h2><p>{escape(said)}</p>{content}</main>"
    )
