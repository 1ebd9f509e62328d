from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.history import (
    HistoryCorruptError,
    HistoryWriter,
    OrderAnswer,
    OrderAttempt,
    Record,
    WantedLine,
    paired,
    read_history,
    write_history,
)

ATTEMPT = OrderAttempt(customer_id="c1", lines=(WantedLine("S", 1),))


def test_what_is_written_is_read_and_paired(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as history:
        first, second = history.new_process(), history.new_process()
        won = history.invoke(first, "place_order", key="k1", value=ATTEMPT)
        lost = history.invoke(second, "place_order", key="k2", value=ATTEMPT, trace_id="t2")
        history.fail(lost, error="insufficient_stock")
        history.ok(won, value=OrderAnswer(order_id="o1", status_code=201), trace_id="t1")
    operations = list(paired(read_history(path)))
    assert [(item.outcome, item.invoke.key, item.trace_id) for item in operations] == [
        ("ok", "k1", "t1"),
        ("fail", "k2", "t2"),
    ]
    assert operations[0].completion is not None
    assert operations[0].completion.value == {"order_id": "o1", "status_code": 201}
    assert (operations[0].latency_s or 0) >= 0


def test_a_process_whose_operation_is_unknown_is_retired(tmp_path: Path) -> None:
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        process = history.new_process()
        following = history.info(history.invoke(process, "place_order"), error="timeout")
        assert following != process
        with pytest.raises(AssertionError, match="retired"):
            history.invoke(process, "place_order")


def test_a_process_has_one_operation_at_a_time(tmp_path: Path) -> None:
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        process = history.new_process()
        invocation = history.invoke(process, "place_order")
        with pytest.raises(AssertionError, match="in flight"):
            history.invoke(process, "place_order")
        history.ok(invocation)
        with pytest.raises(AssertionError, match="twice"):
            history.ok(invocation)


def test_an_invocation_without_an_answer_is_unknown() -> None:
    (operation,) = paired([Record(0, 0.0, 1, "invoke", "place_order")])
    assert operation.outcome == "info"
    assert operation.latency_s is None


def test_an_answer_without_its_invocation_is_refused() -> None:
    with pytest.raises(HistoryCorruptError, match="record 3"):
        list(paired([Record(3, 0.0, 1, "ok", "place_order")]))


def test_a_line_cut_off_by_a_crash_is_the_end(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    write_history(path, [Record(0, 0.0, 1, "invoke", "place_order")])
    path.write_bytes(path.read_bytes() + b'{"index":1,"time')
    assert len(read_history(path)) == 1


@given(st.lists(st.sampled_from(["ok", "fail", "info", "open"]), max_size=40), st.randoms())
def test_however_operations_interleave_each_finds_its_answer(ends, random) -> None:
    pending = [(process, end) for process, end in enumerate(ends)]
    records: list[Record] = [
        Record(process, 0.0, process, "invoke", "place_order", key=str(process)) for process, _ in pending
    ]
    random.shuffle(pending)
    records += [
        Record(100 + process, 1.0, process, end, "place_order", key=str(process))
        for process, end in pending
        if end != "open"
    ]
    for operation in paired(records):
        expected = ends[operation.invoke.process]
        assert operation.outcome == ("info" if expected == "open" else expected)
        assert operation.completion is None or operation.completion.key == operation.invoke.key
