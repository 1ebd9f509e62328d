"""shopctl trace: one request across services, as a waterfall."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl trace 4bf92f3577b34da6a3ce929d0e0e4736"""

BAR_CHARACTERS = 40
DEPTH_SHOWN_MAX = 12


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(trace)


def trace(
    trace_id: Annotated[str, typer.Argument(help="32 hex digits: the X-Trace-Id header of an answer.")],
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Draw the waterfall of a trace."""
    import msgspec  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose import state  # noqa: PLC0415 -- the same
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same
    from scenarios.waterfall import read_trace, waterfall  # noqa: PLC0415 -- the same

    bars = waterfall(read_trace(state.layout_of().spans, trace_id.strip().lower()))
    if not bars:
        raise OperatorError(
            "trace.unknown",
            f"No span of trace {trace_id!r} is stored.",
            mend="Spans are written twice a second; try again.",
        )
    if json:
        terminal.json(msgspec.to_builtins(bars))
        return
    total = max(bar.offset_ms + bar.duration_ms for bar in bars) or 1.0
    terminal.table(
        ("service", "span", "at ms", "for ms", f"0 to {total:.0f} ms"),
        [
            (
                bar.service,
                "  " * min(bar.depth, DEPTH_SHOWN_MAX) + bar.name + (" ✗" if bar.failed else ""),
                f"{bar.offset_ms:.1f}",
                f"{bar.duration_ms:.1f}",
                _bar(bar.offset_ms / total, bar.duration_ms / total),
            )
            for bar in bars
        ],
        title=f"{len(bars)} spans in {len({bar.service for bar in bars})} services",
    )


def _bar(start: float, share: float) -> str:
    before = min(BAR_CHARACTERS - 1, int(start * BAR_CHARACTERS))
    return " " * before + "█" * max(1, min(BAR_CHARACTERS - before, round(share * BAR_CHARACTERS)))
