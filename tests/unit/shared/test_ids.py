import multiprocessing
import threading
import time
from itertools import pairwise
from uuid import UUID

from shared import ids
from shared.ids import derived_id, new_id, public_code


def test_new_ids_are_uuid7_of_now():
    before_ms = time.time_ns() // 1_000_000
    made = new_id()
    after_ms = time.time_ns() // 1_000_000
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert before_ms <= made.int >> 80 <= after_ms + 1


def test_new_ids_increase_strictly_within_a_process():
    made = [new_id() for _ in range(20_000)]
    assert all(a.int < b.int for a, b in pairwise(made))
    assert made[-1].int >> 80 <= time.time_ns() // 1_000_000 + 1  # and do not run ahead of the clock


def test_new_ids_increase_when_the_clock_steps_back(monkeypatch):
    first = new_id()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_000_000_000)
    assert new_id().int > first.int


def test_the_counter_overflows_into_the_next_millisecond(monkeypatch):
    monkeypatch.setattr(ids, "_last_ms", 2**47)
    monkeypatch.setattr(ids, "_counter", (1 << 42) - 2)
    a, b, c = new_id(), new_id(), new_id()
    assert a.int < b.int < c.int


def test_threads_never_share_an_id():
    made: list[UUID] = []

    def make() -> None:
        made.extend([new_id() for _ in range(2_000)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000


def _send_ids(pipe) -> None:
    pipe.send([new_id() for _ in range(500)])
    pipe.close()


def test_forked_children_do_not_continue_one_counter(monkeypatch):
    an_hour_ahead = time.time_ns() // 1_000_000 + 3_600_000
    monkeypatch.setattr(ids, "_last_ms", an_hour_ahead)
    context = multiprocessing.get_context("fork")
    received: list[UUID] = []
    for _ in range(2):
        reader, writer = context.Pipe(duplex=False)
        child = context.Process(target=_send_ids, args=(writer,))
        child.start()
        received.extend(reader.recv())
        child.join()
    assert len(set(received)) == 1_000
    assert all(made.int >> 80 < an_hour_ahead for made in received)


def test_derived_ids_repeat_and_do_not_confuse_boundaries():
    assert derived_id("order", "a", 1) == derived_id("order", "a", 1)
    assert derived_id("order", "ab", "c") != derived_id("order", "a", "bc")
    assert derived_id("order", "a") != derived_id("payment", "a")


def test_public_codes_are_short_stable_and_easy_to_read():
    code = public_code("SO", UUID(int=7))
    assert code == public_code("SO", UUID(int=7))
    prefix, letters = code.split("-")
    assert prefix == "SO"
    assert len(letters) == 10
    assert not set(letters) & set("ILOU")
    assert len({public_code("SO", new_id()) for _ in range(5_000)}) == 5_000
