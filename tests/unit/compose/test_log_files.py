import json
from itertools import islice
from types import SimpleNamespace

import pytest

from compose import log_files
from compose.layout import Layout
from compose.operator_error import OperatorError


@pytest.fixture
def layout(tmp_path):
    made = Layout(tmp_path, tmp_path, 8000)
    made.logs.mkdir()
    return made


def entry(second: int, event: str, trace: str = "") -> str:
    time = f"2026-11-22T18:00:{second:02}.000Z"
    return json.dumps({"time": time, "level": "info", "event": event, "trace_id": trace, "order": 7}) + "\n"


def test_lines_of_all_files_come_merged_by_time(layout):
    layout.log("orders-1").write_text(entry(1, "placed") + entry(4, "paid"))
    layout.log("payments-1").write_text(entry(2, "authorised") + entry(3, "captured"))
    found = log_files.read(log_files.find(layout, ""), 10)
    assert [line.fields["event"] for line in found] == ["placed", "authorised", "captured", "paid"]


def test_only_the_newest_lines_are_given(layout):
    layout.log("orders-1").write_text("".join(entry(second, f"e{second}") for second in range(9)))
    assert [line.fields["event"] for line in log_files.read(log_files.find(layout, "orders"), 2)] == ["e7", "e8"]


def test_a_service_name_finds_its_instances_and_nothing_longer(layout):
    for name in ("orders-1", "orders-2", "order", "orders-extra-1"):
        layout.log(name).write_text("")
    assert [path.stem for path in log_files.find(layout, "orders")] == ["orders-1", "orders-2"]


def test_a_trace_is_followed_over_the_files(layout):
    layout.log("orders-1").write_text(entry(1, "placed", "abc") + entry(2, "other", "xyz"))
    layout.log("shipping-1").write_text(entry(3, "shipped", "abc"))
    found = log_files.read(log_files.find(layout, ""), 10, trace="abc")
    assert [line.fields["event"] for line in found] == ["placed", "shipped"]


def test_a_trace_is_no_part_of_another_word_of_the_line(layout):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    layout.log("orders-1").write_text(
        entry(1, f"saw {trace}", "") + entry(2, "own", trace) + entry(3, "longer", trace + "0")
    )
    layout.log("postgres").write_text(
        f"2026-11-22 18:00:04 LOG: /* {trace} */ select\n2026-11-22 18:00:05 LOG: {trace}ab\n"
    )
    found = log_files.read(log_files.find(layout, ""), 10, trace=trace)
    assert [line.at[17:19] for line in found] == ["02", "04"]


@pytest.mark.parametrize(
    "text", ["4bf9", "4BF92F3577B34DA6A3CE929D0E0E4736", "4bf92f3577b34da6a3ce929d0e0e4736\n", ".*"]
)
def test_what_is_no_trace_id_is_refused(text):
    with pytest.raises(OperatorError) as refused:
        log_files.trace_id(text)
    assert (refused.value.code, refused.value.exit_code) == ("logs.trace", 2)


def test_followed_lines_come_once_and_whole_whenever_they_are_written(layout, monkeypatch):
    log = layout.log("orders-1")
    log.write_text(entry(1, "e1") + entry(2, "e2") + entry(3, "e3") + entry(4, "e4")[:20])
    written = iter([entry(4, "e4")[20:], entry(5, "e5")[:9], entry(5, "e5")[9:] + entry(6, "e6")])

    def meanwhile(_: float) -> None:
        with log.open("a") as file:
            file.write(next(written))

    monkeypatch.setattr(log_files, "time", SimpleNamespace(sleep=meanwhile))
    following = log_files.follow(log_files.find(layout, "orders"), 2)
    assert [line.fields["event"] for line in islice(following, 5)] == ["e2", "e3", "e4", "e5", "e6"]


def test_a_log_longer_than_what_is_read_of_it_is_followed_from_its_first_whole_line(layout, monkeypatch):
    monkeypatch.setattr(log_files, "TAIL_BYTES_MAX", 250)
    layout.log("orders-1").write_text("".join(entry(second, f"e{second}") for second in range(9)))
    following = log_files.follow(log_files.find(layout, ""), 10)
    assert [line.fields["event"] for line in islice(following, 2)] == ["e7", "e8"]


def test_a_rotated_log_is_followed_from_its_beginning(layout, monkeypatch):
    log = layout.log("orders-1")
    log.write_text(entry(1, "e1") + entry(2, "e2"))
    monkeypatch.setattr(log_files, "time", SimpleNamespace(sleep=lambda _: log.write_text(entry(3, "e3"))))
    following = log_files.follow(log_files.find(layout, ""), 10)
    assert [line.fields["event"] for line in islice(following, 3)] == ["e1", "e2", "e3"]


def test_a_line_without_a_time_stays_behind_the_one_before_it(layout):
    layout.log("orders-1").write_text(entry(1, "failed") + "Traceback (most recent call last):\n  boom\n")
    layout.log("payments-1").write_text(entry(2, "later"))
    assert [line.raw[:9] for line in log_files.read(log_files.find(layout, ""), 10)][1:3] == ["Traceback", "  boom"]


def test_people_see_time_process_level_event_and_fields(layout):
    line = log_files.parse(entry(5, "placed", "abc").strip(), "orders-1", "")
    assert line.pretty().split() == ["18:00:05.000", "orders-1", "INFO", "placed", "order=7", "trace=abc"]


def test_an_unknown_process_is_a_usage_error_that_lists_the_known_ones(layout):
    layout.log("orders-1").write_text("")
    with pytest.raises(OperatorError) as refusal:
        log_files.find(layout, "nix")
    assert refusal.value.exit_code == 2
    assert "orders-1" in refusal.value.mend


def test_following_gives_lines_as_they_are_written(layout):
    path = layout.log("orders-1")
    path.write_text(entry(1, "before"))
    lines = log_files.follow([path], 10)
    assert next(lines).fields["event"] == "before"

    with path.open("a") as file:
        file.write(entry(2, "half")[:20])
        file.flush()
        file.write(entry(2, "half")[20:])
    assert next(lines).fields["event"] == "half"
