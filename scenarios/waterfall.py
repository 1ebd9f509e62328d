"""One request across services: the spans of a trace as a tree, ready to be drawn."""

from pathlib import Path

import msgspec

from shared.span_file import SpanRecord

_DECODER = msgspec.json.Decoder(SpanRecord)


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One span. `offset_ms` counts from the start of the trace; `depth` is its place in the tree."""

    service: str
    name: str
    depth: int
    offset_ms: float
    duration_ms: float
    failed: bool


def read_trace(spans: Path, trace_id: str) -> list[SpanRecord]:
    """The spans of a trace from all span files; a line cut off by a crash is left out, and what was appended to it."""
    needle = trace_id.encode()
    found: list[SpanRecord] = []
    for path in sorted(spans.glob("*.jsonl*")):
        with path.open("rb") as file:
            found.extend(span for line in file if needle in line and (span := _span(line)))
    return [span for span in found if span.trace_id == trace_id]


def waterfall(spans: list[SpanRecord]) -> list[Bar]:
    """Parents before children, siblings by time; a span whose parent was never written stands at the root."""
    if not spans:
        return []
    started = min(span.start_ns for span in spans)
    known = {span.span_id for span in spans}
    children: dict[str, list[SpanRecord]] = {}
    for span in sorted(spans, key=lambda span: span.start_ns):
        parent = span.parent_id if span.parent_id in known else ""
        children.setdefault(parent, []).append(span)
    bars: list[Bar] = []
    stack = [(span, 0) for span in reversed(children.get("", []))]
    while stack:
        span, depth = stack.pop()
        bars.append(
            Bar(
                service=span.service,
                name=span.name,
                depth=depth,
                offset_ms=(span.start_ns - started) / 1e6,
                duration_ms=(span.end_ns - span.start_ns) / 1e6,
                failed=span.failed,
            )
        )
        stack.extend((child, depth + 1) for child in reversed(children.get(span.span_id, [])))
    return bars


def _span(line: bytes) -> SpanRecord | None:
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
