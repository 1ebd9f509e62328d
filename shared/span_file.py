"""The span store of one process: finished spans as JSON lines in one bounded file, for `shopctl trace`.

An exporter for OpenTelemetry's batch processor, which calls it from one thread and drops what overflows its queue.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

FILE_BYTES_MAX = 64 * 1024 * 1024  # then the file becomes <instance>.jsonl.1 and a new one starts


class SpanRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a span file. Times are nanoseconds since the epoch; ids are lower-case hex."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    service: str
    instance: str
    start_ns: int
    end_ns: int
    failed: bool = False
    attributes: dict[str, object] = {}


class SpanFile(SpanExporter):
    """Appends finished spans to SPANS_DIR/<instance>.jsonl; a full disk loses spans and stops nothing."""

    def __init__(self, directory: str, service: str, instance: str) -> None:
        self.path = Path(directory) / f"{instance}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._service = service
        self._instance = instance
        self._encoder = msgspec.json.Encoder(enc_hook=str)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write one batch."""
        lines = self._encoder.encode_lines([self._record(span) for span in spans])
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
            try:
                if os.fstat(descriptor).st_size > FILE_BYTES_MAX:
                    self.path.replace(self.path.with_suffix(".jsonl.1"))
                os.write(descriptor, lines)
            finally:
                os.close(descriptor)
        except OSError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def _record(self, span: ReadableSpan) -> SpanRecord:
        context, parent = span.context, span.parent
        assert context is not None
        return SpanRecord(
            trace_id=f"{context.trace_id:032x}",
            span_id=f"{context.span_id:016x}",
            parent_id=f"{parent.span_id:016x}" if parent is not None else "",
            name=span.name,
            kind=span.kind.name.lower(),
            service=self._service,
            instance=self._instance,
            start_ns=span.start_time or 0,
            end_ns=span.end_time or 0,
            failed=not span.status.is_ok,
            attributes=dict(span.attributes or {}),
        )
