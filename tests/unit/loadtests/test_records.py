"""Records of several processes become one history: whole, in their own times, and never mixed up."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from loadtests.records import PIPE_BUF, copy, copy_all, sourced_writer, to_pipe
from scenarios.history import HistoryWriter, paired, read_history


def test_processes_of_two_sources_stay_apart_and_keep_their_times(tmp_path: Path):
    lines: list[bytes] = []
    one, other = sourced_writer("one", lines.append), sourced_writer("other", lines.append)
    first, second = one.new_process(), other.new_process()
    assert first == second
    mine = one.invoke(first, "place_order", key="a")
    yours = other.invoke(second, "place_order", key="b")
    other.ok(yours)
    one.fail(mine, error="sold out")
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        own = history.invoke(history.new_process(), "look")
        history.ok(own)
        for line in lines:
            copy(line, history)
        origin_at = history.origin_at
    operations = list(paired(read_history(tmp_path / "history.jsonl")))
    assert [(it.invoke.key, it.outcome) for it in operations] == [("", "ok"), ("a", "fail"), ("b", "ok")]
    assert len({it.invoke.process for it in operations}) == 3
    began = operations[1].invoke.time_s
    assert began == pytest.approx(one.origin_at - origin_at, abs=1.0)
    assert origin_at + began <= time.time()


async def test_lines_come_through_a_pipe_until_its_last_writer_is_gone(tmp_path: Path):
    reading, writing = os.pipe()
    writer = sourced_writer("one", to_pipe(writing))
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        copying = asyncio.create_task(copy_all(reading, history))
        for number in range(3):
            writer.ok(writer.invoke(writer.new_process(), "place_order", key=str(number)))
        os.close(writing)
        await copying
    assert [it.invoke.key for it in paired(read_history(tmp_path / "history.jsonl"))] == ["0", "1", "2"]


def test_a_line_that_could_be_torn_is_a_bug():
    writer = sourced_writer("one", lambda _: None)
    with pytest.raises(AssertionError, match="torn"):
        writer.invoke(writer.new_process(), "place_order", value="x" * PIPE_BUF)
