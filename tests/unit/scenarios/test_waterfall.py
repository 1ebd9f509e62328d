"""One request as a tree of spans: what is read from the span files, and how it is laid out."""

from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from scenarios.waterfall import read_trace, waterfall
from shared.span_file import SpanRecord

TRACE = "a" * 32
OTHER = "b" * 32
MS = 1_000_000


def span(
    name: str, parent: str = "", *, at: int = 0, lasts: int = 10, trace: str = TRACE, failed: bool = False
) -> SpanRecord:
    """A span from `at` ms on for `lasts` ms, with its name for an id."""
    return SpanRecord(
        trace_id=trace,
        span_id=name,
        parent_id=parent,
        name=name,
        kind="server",
        service=name.split("-", maxsplit=1)[0],
        instance=f"{name}-1",
        start_ns=1_764_000_000 * 1_000 * MS + at * MS,
        end_ns=1_764_000_000 * 1_000 * MS + (at + lasts) * MS,
        failed=failed,
    )


def write(path: Path, *spans: SpanRecord, end: bytes = b"") -> None:
    with path.open("ab") as file:
        file.write(b"".join(msgspec.json.encode(one) + b"\n" for one in spans) + end)


def outline(*spans: SpanRecord) -> list[tuple[int, str]]:
    return [(bar.depth, bar.name) for bar in waterfall(list(spans))]


def test_children_stand_below_their_parents_in_order_of_time() -> None:
    assert outline(
        span("stock", "order", at=6),
        span("order", "gateway", at=2),
        span("gateway"),
        span("mail", "gateway", at=40),
        span("lock", "stock", at=7),
        span("price", "order", at=3),
    ) == [(0, "gateway"), (1, "order"), (2, "price"), (2, "stock"), (3, "lock"), (1, "mail")]


def test_times_count_in_milliseconds_from_the_start_of_the_trace() -> None:
    first, second = waterfall([span("late", "early", at=105, lasts=3), span("early", at=100, lasts=20, failed=True)])
    assert (first.name, first.offset_ms, first.duration_ms, first.failed) == ("early", 0.0, 20.0, True)
    assert (second.name, second.offset_ms, second.duration_ms, second.failed) == ("late", 5.0, 3.0, False)


def test_a_span_whose_parent_was_never_written_stands_at_the_root() -> None:
    assert outline(span("orphan", "lost", at=1), span("child", "orphan", at=2)) == [(0, "orphan"), (1, "child")]


def test_no_spans_make_no_picture() -> None:
    assert waterfall([]) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 100)), max_size=10))
def test_every_span_of_a_tree_is_drawn_once_and_below_its_parent(tree: list[tuple[int, int]]) -> None:
    spans = [
        span(f"s{number}", f"s{parent}" if parent < number else "", at=at) for number, (parent, at) in enumerate(tree)
    ]
    bars = waterfall(spans)
    assert sorted(bar.name for bar in bars) == sorted(one.name for one in spans)
    depths = {bar.name: bar.depth for bar in bars}
    places = {bar.name: place for place, bar in enumerate(bars)}
    for one in spans:
        if one.parent_id:
            assert depths[one.name] == depths[one.parent_id] + 1
            assert places[one.name] > places[one.parent_id]


def test_a_trace_is_gathered_from_the_files_of_all_processes(tmp_path: Path) -> None:
    write(tmp_path / "gateway-1.jsonl", span("gateway"), span("foreign", trace=OTHER))
    write(tmp_path / "orders-1.jsonl", span("order", "gateway"))
    write(tmp_path / "orders-1.jsonl.1", span("earlier", "gateway"))
    assert {one.name for one in read_trace(tmp_path, TRACE)} == {"gateway", "order", "earlier"}


def test_a_span_that_only_mentions_the_trace_is_not_of_it(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", msgspec.structs.replace(span("link", trace=OTHER), attributes={"link": TRACE}))
    assert read_trace(tmp_path, TRACE) == []


def test_part_of_an_id_names_no_trace(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", span("gateway"))
    assert read_trace(tmp_path, TRACE[:8]) == read_trace(tmp_path, "") == []


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", span("whole"), end=msgspec.json.encode(span("torn"))[:-20])
    assert [one.name for one in read_trace(tmp_path, TRACE)] == ["whole"]


def test_what_a_restarted_process_appends_to_a_cut_off_line_harms_no_later_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write(path, span("whole"), end=msgspec.json.encode(span("torn"))[:-20])
    write(path, span("appended"), span("later"))
    assert [one.name for one in read_trace(tmp_path, TRACE)] == ["whole", "later"]


def test_without_any_span_files_there_is_no_trace(tmp_path: Path) -> None:
    assert read_trace(tmp_path / "never made", TRACE) == []
