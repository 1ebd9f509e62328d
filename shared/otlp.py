"""The way to an OpenTelemetry collector: traces, metrics and logs, where the standard variables name one.

Addresses, headers and time-outs are read by OpenTelemetry's own exporters (OTEL_EXPORTER_OTLP_*). Without such a
variable nothing here is imported by a service, and nothing runs.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from itertools import pairwise

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family
from prometheus_client.samples import Sample

SCOPE = "shopstream"
METRICS_EVERY_S = 15.0
STOP_WAIT_S = 2.0
_CUMULATIVE = AggregationTemporality.CUMULATIVE
_SEVERITY = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}


def span_processor() -> SpanProcessor:
    """Sends finished spans in batches."""
    return BatchSpanProcessor(OTLPSpanExporter())


class LogExport:
    """Sends log lines, as they were redacted and written, in batches."""

    def __init__(self, resource: Resource) -> None:
        self._provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
        self._logger = self._provider.get_logger(SCOPE)

    def send(self, line: dict[str, object], context: Context | None) -> None:
        """Queue one line; `context` holds its trace (default: the running one)."""
        level = str(line["level"])
        self._logger.emit(
            LogRecord(
                timestamp=time.time_ns(),
                context=context,
                severity_text=level,
                severity_number=_SEVERITY.get(level, SeverityNumber.INFO),
                body=str(line["event"]),
                attributes={name: str(value) for name, value in line.items() if name not in {"level", "event", "time"}},
            )
        )

    def shutdown(self) -> None:
        """Send what is queued and stop."""
        self._provider.shutdown()


class MetricExport:
    """Sends what /metrics shows, every METRICS_EVERY_S seconds and at the end, from a thread of its own."""

    def __init__(self, registry: CollectorRegistry, resource: Resource) -> None:
        self._registry = registry
        self._resource = resource
        self._exporter = OTLPMetricExporter()
        self._started_ns = time.time_ns()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp-metrics", daemon=True)
        self._thread.start()

    def shutdown(self) -> None:
        """Send the last values and stop."""
        self._stopping.set()
        self._thread.join(STOP_WAIT_S)
        self._exporter.shutdown()  # pyright: ignore[reportUnknownMemberType] -- its keywords are untyped

    def _run(self) -> None:
        while not self._stopping.wait(METRICS_EVERY_S):
            self._export()
        self._export()

    def _export(self) -> None:
        now_ns = time.time_ns()
        metrics = [self._metric(family, now_ns) for family in self._registry.collect()]
        scope = ScopeMetrics(InstrumentationScope(SCOPE), [metric for metric in metrics if metric is not None], "")
        data = MetricsData([ResourceMetrics(self._resource, [scope], "")])
        self._exporter.export(data)  # pyright: ignore[reportUnknownMemberType] -- the same

    def _metric(self, family: Family, now_ns: int) -> Metric | None:
        match family.type:
            case "counter":
                points = self._numbers((s for s in family.samples if s.name.endswith("_total")), now_ns)
                data = Sum(points, _CUMULATIVE, is_monotonic=True)
            case "gauge":
                data = Gauge(self._numbers(family.samples, now_ns))
            case "histogram":
                data = Histogram(self._histograms(family.samples, now_ns), _CUMULATIVE)
            case _:
                return None
        if not data.data_points:  # nobody counted yet; a collector takes a metric without points for a broken one
            return None
        return Metric(family.name, family.documentation, family.unit, data)

    def _numbers(self, samples: Iterable[Sample], now_ns: int) -> Sequence[NumberDataPoint]:
        return [NumberDataPoint(dict(s.labels), self._started_ns, now_ns, s.value) for s in samples]

    def _histograms(self, samples: Iterable[Sample], now_ns: int) -> Sequence[HistogramDataPoint]:
        """Prometheus counts each bucket with all below it; OTLP counts each by itself."""
        below: dict[tuple[tuple[str, str], ...], list[tuple[float, int]]] = {}
        sums: dict[tuple[tuple[str, str], ...], float] = {}
        for sample in samples:
            labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
            if sample.name.endswith("_bucket"):
                below.setdefault(labels, []).append((float(sample.labels["le"]), int(sample.value)))
            elif sample.name.endswith("_sum"):
                sums[labels] = sample.value
        points: list[HistogramDataPoint] = []
        for labels, counted in below.items():
            counted.sort()
            cumulative = [0, *(count for _, count in counted)]
            points.append(
                HistogramDataPoint(
                    attributes=dict(labels),
                    start_time_unix_nano=self._started_ns,
                    time_unix_nano=now_ns,
                    count=cumulative[-1],
                    sum=sums.get(labels, 0.0),
                    bucket_counts=[upper - lower for lower, upper in pairwise(cumulative)],
                    explicit_bounds=[bound for bound, _ in counted[:-1]],
                    min=None,  # pyright: ignore[reportArgumentType] -- optional in the protocol; Prometheus keeps none
                    max=None,  # pyright: ignore[reportArgumentType] -- the same
                )
            )
        return points
