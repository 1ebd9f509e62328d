"""The span store of one process: finished spans as JSON lines in one bounded file, written by one thread.

Never blocks the code that ends a span: a full buffer drops spans and counts them.
"""

import os
import threading
from collections import deque
from pathlib import Path

import msgspec
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

BUFFER_SPANS_MAX = 20_000
BATCH_SPANS_MAX = 1_000
FLUSH_EVERY_S = 0.5
FILE_BYTES_MAX = 64 * 1024 * 1024  # then the file becomes <instance>.jsonl.1 and a new one starts
STOP_WAIT_S = 2.0


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


class SpanFile(SpanProcessor):
    """Buffers finished spans and appends them to SPANS_DIR/<instance>.jsonl twice a second."""

    def __init__(self, directory: str, service: str, instance: str) -> None:
        self.path = Path(directory) / f"{instance}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.dropped = 0
        self._service = service
        self._instance = instance
        self._buffer: deque[ReadableSpan] = deque()
        self._encoder = msgspec.json.Encoder(enc_hook=str)
        self._write_lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="span-file", daemon=True)
        self._thread.start()

    def on_end(self, span: ReadableSpan) -> None:
        if len(self._buffer) >= BUFFER_SPANS_MAX or self._stopping.is_set():
            self.dropped += 1
            return
        self._buffer.append(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the interface's parameter
        """Write everything buffered; called from tests, shutdown and the writer's thread."""
        with self._write_lock:
            while self._buffer:
                self._write_batch()
        return True

    def shutdown(self) -> None:
        self._stopping.set()
        self._thread.join(STOP_WAIT_S)
        self.force_flush()

    def _run(self) -> None:
        while not self._stopping.wait(FLUSH_EVERY_S):
            self.force_flush()

    def _write_batch(self) -> None:
        lines = bytearray()
        for _ in range(min(len(self._buffer), BATCH_SPANS_MAX)):
            lines += self._encoder.encode(self._record(self._buffer.popleft()))
            lines += b"\n"
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
            try:
                if os.fstat(descriptor).st_size > FILE_BYTES_MAX:
                    self.path.replace(self.path.with_suffix(".jsonl.1"))
                os.write(descriptor, lines)
            finally:
                os.close(descriptor)
        except OSError:
            self.dropped += lines.count(b"\n")  # a full disk must not stop the shop

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
