"""Small inline SVG plots: step and line curves, stacked bars, marks of faults and of a violation.

Colours come from the page's style sheet by class, so that one drawing serves light and dark.
"""

from collections.abc import Callable, Sequence
from math import ceil, floor, log10

import msgspec
from markupsafe import Markup, escape

Point = tuple[float, float]

WIDTH, HEIGHT = 560, 240
WIDE_WIDTH, WIDE_HEIGHT = 1120, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 30, 34
TICKS_X, TICKS_Y = 8, 4
NICE_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
NOTE_PX_PER_CHARACTER = 5.6
NOTE_LINE_PX = 13
LABEL_ROOM_PX = 220
LOG_DECADES_FEW = 3


class Curve(msgspec.Struct, frozen=True):
    """`style` is a CSS class: the colour of the series."""

    label: str
    style: str
    points: Sequence[Point]
    steps: bool = False
    dashed: bool = False


class Area(msgspec.Struct, frozen=True):
    """What lies between two step curves, as (time, lower, upper); nothing is drawn where they meet."""

    label: str
    style: str
    steps: Sequence[tuple[float, float, float]]


class Band(msgspec.Struct, frozen=True):
    """A time span in which a fault was in force."""

    label: str
    start_s: float
    end_s: float


class Mark(msgspec.Struct, frozen=True):
    """A vertical line at a moment that matters."""

    label: str
    at_s: float


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The axes: x in seconds, y in `unit`; a logarithmic y axis starts at its smallest value."""

    title: str
    unit: str
    start_s: float
    end_s: float
    top: float
    bottom: float = 0.0
    logarithmic: bool = False
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def annotated(self) -> bool:
        """Only a wide plot has room for words beside its marks."""
        return self.width >= WIDE_WIDTH

    def x(self, at_s: float) -> float:
        share = (at_s - self.start_s) / ((self.end_s - self.start_s) or 1.0)
        return LEFT + share * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        if self.logarithmic:
            low, high = log10(self.bottom), log10(self.top)
            share = (log10(max(value, self.bottom)) - low) / ((high - low) or 1.0)
        else:
            share = (value - self.bottom) / ((self.top - self.bottom) or 1.0)
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)


def curve_plot(
    frame: Frame,
    curves: Sequence[Curve],
    *,
    area: Area | None = None,
    bands: Sequence[Band] = (),
    mark: Mark | None = None,
) -> Markup:
    """Lines or steps, over the bands and under the mark; a legend on top."""
    drawn = [_area(frame, area)] if area and area.steps else []
    drawn += [_curve(frame, curve) for curve in curves if curve.points]
    legend = [(curve.label, curve.style) for curve in curves]
    legend += [(area.label, area.style)] if area and area.steps else []
    return _svg(frame, [*_bands(frame, bands), *_axes(frame), *drawn, *_mark(frame, mark)], legend)


def stacked_plot(
    frame: Frame,
    layers: Sequence[tuple[str, str, Sequence[float]]],
    *,
    bands: Sequence[Band] = (),
    mark: Mark | None = None,
) -> Markup:
    """Bars of equal width over the frame's time; `layers` are (label, style, height per bar)."""
    count = len(layers[0][2])
    width_s = (frame.end_s - frame.start_s) / count
    bars: list[str] = []
    for index in range(count):
        base = 0.0
        for label, style, heights in layers:
            height = heights[index]
            if not height:
                continue
            left = frame.x(frame.start_s + index * width_s)
            right = frame.x(frame.start_s + (index + 1) * width_s)
            upper, lower = frame.y(base + height), frame.y(base)
            at = frame.start_s + index * width_s
            bars.append(
                f'<rect class="bar {style}" x="{left + 0.6:.1f}" y="{upper:.1f}" '
                f'width="{max(right - left - 1.2, 0.8):.1f}" height="{lower - upper:.1f}">'
                f"<title>{escape(label)}: {number(height)} {escape(frame.unit)} at {at:.2f} s</title></rect>"
            )
            base += height
    legend = [(label, style) for label, style, _ in layers]
    return _svg(frame, [*_bands(frame, bands), *_axes(frame), *bars, *_mark(frame, mark)], legend)


def nice_top(value: float) -> float:
    """The next round number above `value`."""
    if value <= 0:
        return 1.0
    step = _nice_step(value / TICKS_Y)
    top = step * ceil(value / step)
    return top if top - value > step * 0.08 else top + step


def number(value: float) -> str:
    """Short and exact: 1.5, 20, 1,250."""
    if value >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return text.rstrip("0").rstrip(".")


def _svg(frame: Frame, parts: Sequence[str], legend: Sequence[tuple[str, str]]) -> Markup:
    entries: list[str] = []
    x = LEFT
    for label, style in legend:
        entries.append(f'<rect class="key {style}" x="{x}" y="8" width="14" height="4" rx="2"/>')
        entries.append(f'<text class="legend" x="{x + 20}" y="14">{escape(label)}</text>')
        x += 34 + int(len(label) * 6.4)
    return Markup(  # noqa: S704 -- every text in it is escaped where it is put in
        f'<svg class="plot" viewBox="0 0 {frame.width} {frame.height}" role="img" aria-label="{escape(frame.title)}">'
        + "".join([*parts, *entries])
        + "</svg>"
    )


def _axes(frame: Frame) -> list[str]:
    parts: list[str] = []
    for value in _ticks_y(frame):
        y = frame.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{frame.width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
    for value in _ticks(frame.start_s, frame.end_s, TICKS_X):
        x = frame.x(value)
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{frame.height - BOTTOM + 18}" text-anchor="middle">'
            f"{number(value) if value >= 0 else '−' + number(-value)} s</text>"
        )
    base = frame.height - BOTTOM
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{frame.width - RIGHT}" y1="{base}" y2="{base}"/>')
    return parts


def _ticks_y(frame: Frame) -> list[float]:
    if not frame.logarithmic:
        return _ticks(frame.bottom, frame.top, TICKS_Y)
    low, high = floor(log10(frame.bottom)), ceil(log10(frame.top))
    factors = (1, 2, 5) if high - low <= LOG_DECADES_FEW else (1,)
    values = [factor * 10.0**power for power in range(low, high + 1) for factor in factors]
    return [value for value in values if frame.bottom <= value <= frame.top]


def _ticks(low: float, high: float, count: int) -> list[float]:
    step = _nice_step((high - low) / count)
    first = ceil(round(low / step, 9))
    last = floor(round(high / step, 9))
    return [round(index * step, 9) for index in range(first, last + 1)]


def _nice_step(raw: float) -> float:
    if raw <= 0:
        return 1.0
    power = 10.0 ** floor(log10(raw))
    return power * next(nice for nice in NICE_STEPS if raw <= power * nice * 1.0001)


def _curve(frame: Frame, curve: Curve) -> str:
    dashed = " dashed" if curve.dashed else ""
    return (
        f'<path class="curve {curve.style}{dashed}" d="{_path(frame, curve)}">'
        f"<title>{escape(curve.label)}</title></path>"
    )


def _path(frame: Frame, curve: Curve) -> str:
    """A step is drawn only where the curve moves by at least half a pixel."""
    at: Callable[[Point], tuple[float, float]] = lambda point: (frame.x(point[0]), frame.y(point[1]))  # noqa: E731
    x, y = at(curve.points[0])
    commands = [f"M{x:.1f} {y:.1f}"]
    for point in curve.points[1:]:
        x, y = at(point)
        commands.append(f"H{x:.1f}V{y:.1f}" if curve.steps else f"L{x:.1f} {y:.1f}")
    return "".join(commands)


def _area(frame: Frame, area: Area) -> str:
    """Upper edge forth, lower edge back; both are steps."""
    times = [time_s for time_s, _, _ in area.steps]
    ends = [*times[1:], times[-1]]
    upper = [
        (frame.x(at), frame.y(value))
        for (start, _, value), end in zip(area.steps, ends, strict=True)
        for at in (start, end)
    ]
    lower = [
        (frame.x(at), frame.y(value))
        for (start, value, _), end in zip(area.steps, ends, strict=True)
        for at in (start, end)
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*upper, *reversed(lower)])
    return f'<polygon class="area {area.style}" points="{points}"><title>{escape(area.label)}</title></polygon>'


def _bands(frame: Frame, bands: Sequence[Band]) -> list[str]:
    """Labels that would lie over each other stand below each other."""
    parts: list[str] = []
    label_ends: list[float] = []  # per line of labels, where the last one ends
    for band in sorted(bands, key=lambda it: it.start_s):
        start, end = max(band.start_s, frame.start_s), min(band.end_s, frame.end_s)
        if start > frame.end_s or end < frame.start_s:
            continue
        left = frame.x(start)
        width = max(frame.x(end) - left, 2.0)
        parts.append(
            f'<rect class="band" x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{frame.height - TOP - BOTTOM}">'
            f"<title>{escape(band.label)}</title></rect>"
        )
        if frame.annotated:
            line = next((line for line, taken in enumerate(label_ends) if taken < left), len(label_ends))
            label_ends[line : line + 1] = [left + 3 + len(band.label) * NOTE_PX_PER_CHARACTER]
            y = frame.height - BOTTOM - 6 - line * NOTE_LINE_PX
            parts.append(f'<text class="note" x="{left + 3:.1f}" y="{y}">{escape(band.label)}</text>')
    return parts


def _mark(frame: Frame, mark: Mark | None) -> list[str]:
    if mark is None or not frame.start_s <= mark.at_s <= frame.end_s:
        return []
    x = frame.x(mark.at_s)
    line = (
        f'<line class="violation" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{frame.height - BOTTOM}">'
        f"<title>{escape(mark.label)}</title></line>"
    )
    if not frame.annotated:
        return [line]
    right_of = x < frame.width - RIGHT - LABEL_ROOM_PX
    return [
        line,
        f'<text class="violation-label" x="{x + (6 if right_of else -6):.1f}" y="{TOP + 27}" '
        f'text-anchor="{"start" if right_of else "end"}">{escape(mark.label)}</text>',
    ]
