"""What a collector gets over OTLP/HTTP: spans, metrics and log lines, each where the standard variables name it."""

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import structlog
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client import CollectorRegistry, Counter, Histogram

from shared import logging_setup, metrics, tracing
from shared.settings import ServiceSettings, SettingsError, read
from shared.telemetry import telling

KINDS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Collector:
    """A collector's HTTP side: what it got, decoded."""

    def __init__(self) -> None:
        self.got: dict[str, list] = {path: [] for path in KINDS}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    import gzip  # noqa: PLC0415 - only where the exporter was told to compress

                    body = gzip.decompress(body)
                collector.got[self.path].append(KINDS[self.path].FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
    yield made
    made.close()
    tracing.configure(ServiceSettings(service="none", internal_secret="s"))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> CollectorRegistry:
    made = CollectorRegistry()
    monkeypatch.setattr(metrics, "REGISTRY", made)
    return made


def settings_of(collector: Collector, **more: str) -> ServiceSettings:
    environ = {"SHOPSTREAM_SERVICE": "orders", "SHOPSTREAM_INTERNAL_SECRET": "s"}
    return read(ServiceSettings, {**environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **more})


def attributes_of(message) -> dict[str, str]:
    return {item.key: item.value.string_value for item in message.attributes}


def test_all_three_signals_carry_the_service_and_one_trace(collector: Collector, registry: CollectorRegistry) -> None:
    Counter("shopstream_sales", "Sales", ["sku"], registry=registry).labels("A").inc(3)
    logging_setup.configure("orders", "orders-1", stream=io.StringIO())
    with telling(settings_of(collector)), tracing.span("place", kind="server", sku="A"):
        trace_id = tracing.current_trace_id()
        structlog.get_logger().info("order_placed", token="hunter2", sku="A")
    structlog.reset_defaults()
    (spans,) = collector.got["/v1/traces"]
    (lines,) = collector.got["/v1/logs"]
    resources = [spans.resource_spans[0].resource, lines.resource_logs[0].resource]
    resources.append(collector.got["/v1/metrics"][-1].resource_metrics[0].resource)
    for resource in resources:
        told = attributes_of(resource)
        assert (told["service.name"], told["service.instance.id"]) == ("orders", "orders-1")
    span = spans.resource_spans[0].scope_spans[0].spans[0]
    line = lines.resource_logs[0].scope_logs[0].log_records[0]
    assert span.trace_id.hex() == line.trace_id.hex() == trace_id
    assert line.body.string_value == "order_placed"
    assert attributes_of(line)["token"] == "[redacted]"


def test_metrics_are_what_a_scrape_would_show(collector: Collector, registry: CollectorRegistry) -> None:
    Counter("shopstream_sales", "Sales", ["sku"], registry=registry).labels("A").inc(3)
    waits = Histogram("shopstream_wait_seconds", "Wait", buckets=(0.1, 1.0), registry=registry)
    for seconds in (0.05, 0.06, 0.5, 7.0):
        waits.observe(seconds)
    with telling(settings_of(collector)):
        pass
    sent = collector.got["/v1/metrics"][-1].resource_metrics[0].scope_metrics[0].metrics
    by_name = {metric.name: metric for metric in sent}
    (sales,) = by_name["shopstream_sales"].sum.data_points
    assert (sales.as_double, attributes_of(sales)) == (3.0, {"sku": "A"})
    (wait,) = by_name["shopstream_wait_seconds"].histogram.data_points
    assert list(wait.bucket_counts) == [2, 1, 1]
    assert list(wait.explicit_bounds) == [0.1, 1.0]
    assert (wait.count, wait.sum, wait.HasField("min")) == (4, pytest.approx(7.61), False)


def test_a_signal_switched_off_is_not_sent(collector: Collector, registry: CollectorRegistry) -> None:
    del registry
    settings = settings_of(collector, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
    assert settings.otlp == ("traces",)
    with telling(settings), tracing.span("a"):
        pass
    assert [len(got) for got in collector.got.values()] == [1, 0, 0]


@pytest.mark.parametrize("environ", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}])
def test_without_a_collector_nothing_is_exported(environ: dict[str, str]) -> None:
    settings = read(ServiceSettings, {"SHOPSTREAM_SERVICE": "orders", "SHOPSTREAM_INTERNAL_SECRET": "s", **environ})
    assert settings.otlp == ()


def test_a_protocol_that_is_not_spoken_is_refused(collector: Collector) -> None:
    with pytest.raises(SettingsError, match="only http/protobuf"):
        settings_of(collector, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")


def test_what_nobody_counted_yet_is_not_sent(collector: Collector, registry: CollectorRegistry) -> None:
    Counter("shopstream_sales", "Sales", registry=registry)
    Counter("shopstream_failures", "Failures", ["why"], registry=registry)
    Histogram("shopstream_wait_seconds", "Wait", ["why"], registry=registry)
    with telling(settings_of(collector)):
        pass
    sent = collector.got["/v1/metrics"][-1].resource_metrics[0].scope_metrics[0].metrics
    assert [metric.name for metric in sent] == ["shopstream_sales"], "a collector takes one without points for broken"
