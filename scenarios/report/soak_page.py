"""A soak for people: one HTML file that needs nothing else, and a Markdown table for the docs. Judges nothing."""

import msgspec

from scenarios.report.page import STYLE, TEMPLATES
from scenarios.report.plots import nice_top
from scenarios.soak import RECOVERY_S_MAX, Leg, Soak, Times, seconds


class Dot(msgspec.Struct, frozen=True):
    """One kill on the line of its component: where in per cent of the line, and in words."""

    left: float
    slow: bool
    said: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The kills of one component."""

    times: Times
    p50: str
    p95: str
    longest: str
    dots: tuple[Dot, ...]


def page(soak: Soak) -> str:
    """The recovery times and the legs as HTML."""
    known = [it.seconds for leg in soak.legs for it in leg.recoveries if it.seconds is not None]
    top = nice_top(max([RECOVERY_S_MAX, *known]))
    return TEMPLATES.get_template("soak.html").render(
        css=STYLE,
        tone=soak.outcome.lower(),
        soak=soak,
        top=top,
        bound_s=RECOVERY_S_MAX,
        bound_left=100 * RECOVERY_S_MAX / top,
        tiles=(
            ("kills", f"{soak.kills:,}", False),
            ("orders acknowledged", f"{soak.acknowledged:,}", False),
            ("acknowledged orders lost", f"{soak.lost:,}", bool(soak.lost)),
            ("recovery, p95", seconds(soak.all.p95_s), soak.all.p95_s is None or soak.all.p95_s > RECOVERY_S_MAX),
        ),
        lines=[_line(soak, times, top) for times in soak.components],
        legs=[(leg, _range(leg), (*leg.failed, *leg.weaknesses)) for leg in soak.legs],
    )


def markdown(soak: Soak) -> str:
    """The recovery times by component, and what all of it shows."""
    rows = ["| killed | kills | p50 | p95 | longest | waited longest for |", "|---|---:|---:|---:|---:|---|"]
    rows += [
        f"| {it.name} | {it.kills} | {seconds(it.p50_s)} | {seconds(it.p95_s)} | {seconds(it.max_s)} | {it.slowest} |"
        for it in (*soak.components, soak.all)
    ]
    return "\n".join((*rows, "", *(f"- {sentence}" for sentence in soak.said))) + "\n"


def _line(soak: Soak, times: Times, top: float) -> Line:
    found = [it for leg in soak.legs for it in leg.recoveries if it.component == times.name]
    return Line(
        times=times,
        p50=seconds(times.p50_s),
        p95=seconds(times.p95_s),
        longest=seconds(times.max_s),
        dots=tuple(
            Dot(
                100.0 if it.seconds is None else round(100 * it.seconds / top, 2),
                it.seconds is None or it.seconds > RECOVERY_S_MAX,
                f"{it.process}: {seconds(it.seconds)} ({it.slowest}), {it.struck} operations under way",
            )
            for it in found
        ),
    )


def _range(leg: Leg) -> str:
    known = [it.seconds for it in leg.recoveries if it.seconds is not None]
    return f"{min(known):.1f} to {max(known):.1f} s" if known else ""
