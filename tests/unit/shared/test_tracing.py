import asyncio
import threading
from collections.abc import Sequence

import msgspec
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from shared import span_file, tracing
from shared.settings import ServiceSettings
from shared.span_file import SpanRecord

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(tmp_path):
    settings = ServiceSettings(service="orders", internal_secret="s", spans_dir=str(tmp_path))
    tracing.configure(settings)

    def read() -> list[SpanRecord]:
        tracing.flush()
        path = tmp_path / "orders-1.jsonl"
        lines = path.read_bytes().splitlines() if path.exists() else []
        return [msgspec.json.decode(line, type=SpanRecord) for line in lines]

    yield read
    tracing.configure(ServiceSettings(service="none", internal_secret="s"))


def test_spans_nest_and_share_the_trace(spans):
    with tracing.span("outer", kind="server", sku="A", count=2):
        outer_id = tracing.current_trace_id()
        with tracing.span("inner"):
            assert tracing.current_trace_id() == outer_id
    inner, outer = spans()
    assert (inner.name, outer.name) == ("inner", "outer")
    assert inner.trace_id == outer.trace_id == outer_id
    assert inner.parent_id == outer.span_id
    assert outer.attributes == {"sku": "A", "count": 2}
    assert (outer.kind, outer.service, outer.instance, outer.failed) == ("server", "orders", "orders-1", False)
    assert outer.start_ns <= inner.start_ns <= inner.end_ns <= outer.end_ns


def test_a_trace_continues_across_a_message(spans):
    with tracing.span("consume", kind="consumer", parent=PARENT):
        assert tracing.current_trace_id() == PARENT[3:35]
        sent = tracing.current_traceparent()
    assert sent is not None
    assert sent.startswith(PARENT[:36])
    (record,) = spans()
    assert record.parent_id == PARENT[36:52]


def test_outside_of_a_span_there_is_no_trace():
    assert tracing.current_trace_id() == ""
    assert tracing.current_traceparent() is None
    headers: dict[str, str] = {}
    tracing.inject(headers)
    assert headers == {}


def test_inject_and_extract_are_inverse():
    headers: dict[str, str] = {}
    with tracing.span("a"):
        tracing.inject(headers)
        assert tracing.extract(headers) == tracing.current_traceparent()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nonsense",
        PARENT.upper(),
        PARENT[:-1],
        PARENT + "-extra",
        "ff" + PARENT[2:],
        PARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        PARENT.replace("b7ad6b7169203331", "0" * 16),
        PARENT.replace("0af7", "+af7"),
    ],
)
def test_a_malformed_traceparent_starts_a_new_trace(value):
    assert tracing.extract({"traceparent": value}) is None
    with tracing.span("a", parent=value):
        assert len(tracing.current_trace_id()) == 32
        assert tracing.current_trace_id() not in value.lower()


def test_a_failure_marks_the_span_with_its_class_and_never_its_text(spans):
    with pytest.raises(ValueError, match="hunter2"), tracing.span("a"):
        raise ValueError("password hunter2")
    (record,) = spans()
    assert record.failed
    assert record.attributes == {"error.type": "ValueError"}


async def test_concurrent_tasks_keep_their_own_traces():
    async def one() -> tuple[str, str]:
        with tracing.span("task", parent=""):
            before = tracing.current_trace_id()
            await asyncio.sleep(0)
            return before, tracing.current_trace_id()

    pairs = await asyncio.gather(*(one() for _ in range(20)))
    assert all(before == after for before, after in pairs)
    assert len({before for before, _ in pairs}) == 20


def test_a_full_queue_loses_spans_instead_of_blocking(tmp_path, monkeypatch):
    monkeypatch.setattr(tracing, "QUEUE_SPANS_MAX", 3)
    monkeypatch.setattr(tracing, "BATCH_SPANS_MAX", 3)
    written = threading.Event()
    exported: list[ReadableSpan] = []
    full = threading.Event()

    def write_when_full(_: object, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        full.wait(10)
        exported.extend(spans)
        written.set()
        return SpanExportResult.SUCCESS

    monkeypatch.setattr(span_file.SpanFile, "export", write_when_full)
    tracing.configure(ServiceSettings(service="orders", internal_secret="s", spans_dir=str(tmp_path)))
    for _ in range(50):
        with tracing.span("a"):
            pass
    full.set()
    assert written.wait(10)
    tracing.shutdown()
    assert 0 < len(exported) <= 3 + 3


def test_the_file_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(span_file, "FILE_BYTES_MAX", 1_000)
    monkeypatch.setattr(tracing, "BATCH_SPANS_MAX", 2)
    tracing.configure(ServiceSettings(service="orders", internal_secret="s", spans_dir=str(tmp_path)))
    for _ in range(50):
        with tracing.span("a"):
            pass
    tracing.shutdown()
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < 2_500


def test_an_unwritable_directory_does_not_stop_the_program(tmp_path):
    tracing.configure(ServiceSettings(service="orders", internal_secret="s", spans_dir=str(tmp_path / "spans")))
    (tmp_path / "spans").rmdir()
    (tmp_path / "spans").write_text("in the way")
    with tracing.span("a"):
        pass
    tracing.flush()
    tracing.shutdown()
    assert (tmp_path / "spans").read_text() == "in the way"


def test_shutdown_ends_the_writers_thread(tmp_path):
    tracing.configure(ServiceSettings(service="orders", internal_secret="s", spans_dir=str(tmp_path)))
    tracing.shutdown()
    assert not any(thread.name.startswith("Otel") for thread in threading.enumerate())
