"""CPU time by what used it."""

import os
import subprocess
import sys

import pytest

from compose.state import ProcessRecord, StackState
from loadtests.benchmarks.process_cpu import (
    Use,
    fleet_processes,
    less_idle,
    ms_each,
    of_kinds,
    spent,
    total_by_name,
    usage,
)

BUSY = "import time\nwhile time.process_time() < 0.3: pass\n"


def record(name, kind, pid):
    return ProcessRecord(name=name, kind=kind, pid=pid, start_ticks=1)


STACK = StackState(
    port_base=1,
    supervisor=record("supervisor", "supervisor", 1),
    processes=(record("orders-1", "service", 2), record("postgres", "engine", 3), record("world", "world", 4)),
)


def test_what_is_called_the_same_is_summed():
    assert total_by_name([Use("a", 1.0), Use("b", 2.0), Use("a", 3.0)]) == {"a": 4.0, "b": 2.0}


def test_what_came_and_what_went_in_between_is_counted():
    assert spent({"stays": 1.0, "ends": 2.0}, {"stays": 1.5, "comes": 4.0}) == {
        "comes": 4.0,
        "ends": -2.0,
        "stays": 0.5,
    }


def test_idle_is_taken_off_for_as_long_as_the_work_took():
    busy = less_idle({"a": 10.0, "b": 1.0}, seconds=30.0, idle={"a": 2.0, "c": 1.0}, idle_seconds=20.0)
    assert busy == {"a": pytest.approx(7.0), "b": 1.0, "c": pytest.approx(-1.5)}


def test_a_share_per_piece_of_work_is_in_milliseconds_the_largest_first():
    assert list(ms_each({"small": 0.1, "large": 3.0}, 10).items()) == [("large", 300.0), ("small", 10.0)]


def test_backends_of_an_engine_are_the_engines():
    used = {"orders-1": 1.0, "postgres": 2.0, "postgres orders": 4.0, "world": 8.0, "supervisor": 16.0}
    assert of_kinds(used, STACK, "service") == 1.0
    assert of_kinds(used, STACK, "engine") == 6.0
    assert of_kinds(used, STACK, "world", "supervisor") == 24.0


def test_a_fleet_is_its_supervisor_and_what_it_names():
    assert fleet_processes(STACK) == {1: "supervisor", 2: "orders-1", 3: "postgres", 4: "world"}


def test_what_a_child_used_is_its_own_or_its_parents_once_it_has_ended():
    before = usage({os.getpid(): "test"})
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert spent(before, usage({os.getpid(): "test"}))["test"] >= 0.3


def test_a_process_that_is_gone_used_nothing():
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    assert usage({child.pid: "gone"}) == {}
