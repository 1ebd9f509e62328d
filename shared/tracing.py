"""Traces: OpenTelemetry spans with W3C propagation, written to SPANS_DIR/<instance>.jsonl and to a collector if told.

Call `configure` after the fork and `shutdown` at the end. Without `configure` spans still carry trace ids but
are written nowhere. Attributes must hold no secrets and no card data.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import Token
from types import TracebackType
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context

from shared.settings import ServiceSettings
from shared.span_file import SpanFile

TRACEPARENT = "traceparent"
ATTRIBUTES_MAX = 32
ATTRIBUTE_LENGTH_MAX = 512
QUEUE_SPANS_MAX = 20_000
BATCH_SPANS_MAX = 1_000
FLUSH_EVERY_MS = 500
_TRACEPARENT_LENGTH = 55
_KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_HEX = frozenset("0123456789abcdef")
_ROOT = Context()


class _Tracing:
    """The provider of this process; replaced by configure."""

    def __init__(self, resource: Resource, processors: Sequence[SpanProcessor] = ()) -> None:
        self.provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=resource,
            shutdown_on_exit=False,
            span_limits=SpanLimits(
                max_span_attributes=ATTRIBUTES_MAX,
                max_events=4,
                max_links=4,
                max_attribute_length=ATTRIBUTE_LENGTH_MAX,
            ),
        )
        for processor in processors:
            self.provider.add_span_processor(processor)
        self.tracer = self.provider.get_tracer("shopstream")


_tracing = _Tracing(Resource({}))


def resource_of(settings: ServiceSettings) -> Resource:
    """How OpenTelemetry names this process; OTEL_RESOURCE_ATTRIBUTES adds to it."""
    return Resource.create(
        {
            "service.namespace": "shopstream",
            "service.name": settings.service,
            "service.instance.id": settings.instance,
        }
    )


def configure(settings: ServiceSettings) -> None:
    """Start writing this process's spans. Must run after a fork: it starts the writers' threads."""
    global _tracing  # noqa: PLW0603 - one tracer per process, as there is one stdout
    shutdown()
    processors: list[SpanProcessor] = []
    if settings.spans_dir:
        processors.append(
            BatchSpanProcessor(
                SpanFile(settings.spans_dir, settings.service, settings.instance),
                max_queue_size=QUEUE_SPANS_MAX,
                schedule_delay_millis=FLUSH_EVERY_MS,
                max_export_batch_size=BATCH_SPANS_MAX,
            )
        )
    if "traces" in settings.otlp:
        from shared import otlp  # noqa: PLC0415 - the exporters cost memory and time, and few fleets have a collector

        processors.append(otlp.span_processor())
    _tracing = _Tracing(resource_of(settings), processors)


def shutdown() -> None:
    """Write what is buffered and stop the writers; later spans have ids and are written nowhere."""
    global _tracing
    ended, _tracing = _tracing, _Tracing(Resource({}))
    ended.provider.shutdown()


def flush() -> None:
    """Write what is buffered now; for tests and for the moment before a planned kill."""
    _tracing.provider.force_flush()


class span:  # noqa: N801 - reads as a verb at its call sites: with span("reserve")
    """Time a block as a span of the current trace; an exception marks it as failed and passes on.

    `parent` (a traceparent string) continues a trace that came with a message; `kind` is one of
    internal, server, client, producer, consumer. Only the exception's class is recorded, never its text.
    """

    __slots__ = ("_span", "_token")

    def __init__(self, name: str, *, kind: str = "internal", parent: str | None = None, **attributes: Any) -> None:
        context = None if parent is None else context_of(parent)
        self._span = _tracing.tracer.start_span(name, context, _KINDS[kind], attributes or None)
        self._token: Token[Context] | None = None

    def __enter__(self) -> Span:
        self._token = otel_context.attach(set_span_in_context(self._span))
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_back: TracebackType | None
    ) -> None:
        if self._token is not None:
            otel_context.detach(self._token)
        if kind is not None:
            self._span.set_attribute("error.type", kind.__name__)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def current_trace_id(within: Context | None = None) -> str:
    """Return the running trace's id as 32 hex digits, or an empty string outside of any."""
    context = trace.get_current_span(within).get_span_context()
    return format(context.trace_id, "032x") if context.trace_id else ""


def current_context() -> Context:
    """Return what a line written later needs to belong to the trace that runs now."""
    return otel_context.get_current()


def current_traceparent() -> str | None:
    """Return the W3C traceparent of the running span; what the outbox stores beside an event."""
    context = trace.get_current_span().get_span_context()
    if not context.trace_id:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & 1:02x}"


def inject(headers: MutableMapping[str, str]) -> None:
    """Put the running span's traceparent into outgoing headers."""
    traceparent = current_traceparent()
    if traceparent is not None:
        headers[TRACEPARENT] = traceparent


def extract(headers: Mapping[str, str]) -> str | None:
    """Return a well-formed traceparent from incoming headers (any case), else None."""
    value = headers.get(TRACEPARENT) or headers.get("Traceparent")
    return value if value is not None and parse(value) is not None else None


def trace_id_of(headers: Mapping[str, str]) -> str:
    """The id of the trace that incoming headers name; empty when they name none."""
    remote = parse(extract(headers) or "")
    return format(remote.trace_id, "032x") if remote is not None else ""


def parse(traceparent: str) -> SpanContext | None:
    """Read a W3C traceparent; None when malformed, so that a client's nonsense never breaks a request."""
    if len(traceparent) != _TRACEPARENT_LENGTH:
        return None
    parts = traceparent.split("-")
    if len(parts) != 4 or [len(part) for part in parts] != [2, 32, 16, 2] or parts[0] == "ff":
        return None
    if not _HEX.issuperset("".join(parts)):
        return None
    trace_id, span_id = int(parts[1], 16), int(parts[2], 16)
    if not trace_id or not span_id:
        return None
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(int(parts[3], 16) & 1))


def context_of(traceparent: str) -> Context:
    """Return the context that continues the given trace, or an empty one when it is malformed."""
    remote = parse(traceparent)
    return _ROOT if remote is None else set_span_in_context(NonRecordingSpan(remote), _ROOT)
