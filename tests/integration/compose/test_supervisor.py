"""A whole stack under its supervisor: boot, keep, scale, die, come back."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from compose import launch, state
from compose.control import Control
from compose.operator_error import OperatorError
from compose.process import start_ticks
from compose.supervisor.unit import PROVEN_SECONDS

DEADLINE_S = 30.0
QUICK = ("gateway", "world")


def until(condition: Callable[[], object], *, seconds: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def up(layout, *names, **more):
    return launch.up(layout.home, port_base=layout.port_base, names=names, **more)


def rows(layout) -> dict[str, dict]:
    return {row["name"]: row for row in Control(layout).processes()}


def environ_of(port: int) -> dict[str, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/environ") as answer:
        return json.load(answer)


def test_up_starts_what_was_named_and_its_dependencies(tiny_stack):
    found = up(tiny_stack, "gateway")
    assert {row["name"] for row in found["processes"]} == {"redis", "gateway-1", "supervisor"}
    assert found["healthy"]
    assert all(row["pss_bytes"] > 0 for row in found["processes"])
    assert found["pss_bytes"]["all"] >= found["pss_bytes"]["engine"] > 0


def test_up_again_changes_nothing_and_may_add(tiny_stack):
    before = {row["name"]: row["pid"] for row in up(tiny_stack, "gateway")["processes"]}
    after = {row["name"]: row["pid"] for row in up(tiny_stack, *QUICK)["processes"]}
    assert before.items() <= after.items()
    assert "world" in after


def test_events_tell_what_happens_while_it_happens(tiny_stack):
    events: list[dict] = []
    up(tiny_stack, *QUICK, on_event=events.append)
    seen = [(event["name"], event["state"]) for event in events if event["event"] == "unit"]
    assert ("gateway-1", "ready") in seen
    assert seen.index(("redis", "ready")) < seen.index(("gateway-1", "ready"))


def test_a_service_gets_database_schema_topics_and_the_read_only_role(tiny_stack):
    up(tiny_stack, "inventory")
    _, known = state.running(tiny_stack.home)
    audit = known.audit_url.format(database="inventory")
    assert _psql(audit, "SELECT count(*) >= 0 FROM audit.outbox").stdout.strip() == "t"
    assert "permission denied" in _psql(audit, "SELECT * FROM public.outbox").stderr
    assert "read-only" in _psql(audit, "CREATE TABLE x (n int)").stderr
    given = environ_of(tiny_stack.port("inventory"))
    assert given["SHOPSTREAM_DATABASE_URL"] == known.urls["database_inventory"]
    assert given["SHOPSTREAM_INSTANCE"] == "inventory-1"
    first = known.timings_s["database inventory"]
    launch.down(tiny_stack.home)
    up(tiny_stack, "inventory")
    again = state.load(tiny_stack)
    assert again is not None
    assert again.timings_s["database inventory"] < first


def _psql(url: str, query: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import asyncio, asyncpg, sys\n"
        "async def ask():\n"
        "    c = await asyncpg.connect(sys.argv[1])\n"
        "    print('t' if await c.fetchval(sys.argv[2]) else '')\n"
        "asyncio.run(ask())\n"
    )
    argv = [sys.executable, "-c", code, url, query]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_who_wants_no_compiled_modules_beside_the_sources_gets_them_in_the_cache(tiny_stack, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("SHOPSTREAM_CACHE", str(cache := tmp_path / "cache"))
    cache.mkdir()
    up(tiny_stack, "world")
    sources = Path(launch.__file__).parent.relative_to("/")
    assert list((cache / "bytecode" / sources / "supervisor").glob("fleet.*.pyc"))


def test_a_killed_service_is_back_within_a_second(tiny_stack):
    up(tiny_stack, "gateway")
    control = Control(tiny_stack)
    began = time.monotonic()
    control.signal("gateway", "KILL")
    until(lambda: rows(tiny_stack)["gateway-1"]["restarts"] == 1 and rows(tiny_stack)["gateway-1"]["state"] == "ready")
    assert time.monotonic() - began < 1.0 + 1.0  # the machine may be busy
    assert control.status()["healthy"]


def test_a_service_killed_in_a_series_is_back_at_once_each_time(tiny_stack):
    up(tiny_stack, "gateway")
    control = Control(tiny_stack)
    for number in range(1, 7):
        proven_at = time.monotonic() + PROVEN_SECONDS
        until(lambda proven_at=proven_at: time.monotonic() > proven_at)
        began = time.monotonic()
        control.signal("gateway", "KILL")
        until(
            lambda number=number: (
                (rows(tiny_stack)["gateway-1"]["restarts"], rows(tiny_stack)["gateway-1"]["state"]) == (number, "ready")
            )
        )
        assert time.monotonic() - began < 1.0 + 1.0  # the machine may be busy


def test_a_killed_engine_comes_back(tiny_stack):
    up(tiny_stack, "gateway")
    Control(tiny_stack).signal("redis", "KILL")
    until(lambda: rows(tiny_stack)["redis"]["restarts"] >= 1 and rows(tiny_stack)["redis"]["state"] == "ready")


def test_a_paused_service_is_not_ready_until_it_goes_on(tiny_stack):
    up(tiny_stack, "gateway")
    control = Control(tiny_stack)
    control.signal("gateway-1", "STOP")
    found = control.status()
    assert not found["healthy"]
    assert {row["name"]: row["state"] for row in found["processes"]}["gateway-1"] == "not ready"
    control.signal("gateway-1", "CONT")
    until(lambda: control.status()["healthy"])


def test_scaling_gives_instances_ports_and_names_of_their_own(tiny_stack):
    up(tiny_stack, "gateway", scale={"gateway": 2})
    control = Control(tiny_stack)
    assert control.scale("gateway", 3)["instances"] == ["gateway-1", "gateway-2", "gateway-3"]
    ports = [row["port"] for row in rows(tiny_stack).values() if row["component"] == "gateway"]
    assert len(set(ports)) == 3
    assert [environ_of(port)["SHOPSTREAM_INSTANCE"] for port in ports] == ["gateway-1", "gateway-2", "gateway-3"]
    assert control.scale("gateway", 1)["instances"] == ["gateway-1"]
    assert "gateway-2" not in rows(tiny_stack)


def test_a_restart_can_change_the_environment_and_change_it_back(tiny_stack):
    up(tiny_stack, "gateway")
    control = Control(tiny_stack)
    pid = rows(tiny_stack)["gateway-1"]["pid"]
    control.restart("gateway", environ={"SHOPSTREAM_LOG_LEVEL": "debug"})
    assert rows(tiny_stack)["gateway-1"]["pid"] != pid
    assert environ_of(tiny_stack.port("gateway"))["SHOPSTREAM_LOG_LEVEL"] == "debug"
    control.restart("gateway")
    assert environ_of(tiny_stack.port("gateway"))["SHOPSTREAM_LOG_LEVEL"] == "debug"
    control.restart("gateway", environ={})
    assert environ_of(tiny_stack.port("gateway"))["SHOPSTREAM_LOG_LEVEL"] == "info"


def test_nothing_survives_a_supervisor_that_was_killed(tiny_stack):
    up(tiny_stack, *QUICK)
    known = state.load(tiny_stack)
    assert known is not None
    os.kill(known.supervisor.pid, signal.SIGKILL)
    until(lambda: not any(record.is_running for record in known.processes), seconds=5)
    assert up(tiny_stack, *QUICK)["healthy"]


def test_a_leftover_of_a_dead_supervisor_is_ended_by_the_next_up(tiny_stack):
    up(tiny_stack, "gateway")
    known = state.load(tiny_stack)
    assert known is not None
    launch.down(tiny_stack.home)
    leftover = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    state.save(tiny_stack, _with_leftover(known, leftover.pid))
    notes: list[str] = []
    up(tiny_stack, "gateway", on_event=lambda event: notes.append(event["text"]) if event["event"] == "note" else None)
    assert leftover.wait(DEADLINE_S) == -signal.SIGKILL
    assert any("leftovers" in note for note in notes)


def _with_leftover(known: state.StackState, pid: int) -> state.StackState:
    record = state.ProcessRecord(name="ghost", kind="service", pid=pid, start_ticks=start_ticks(pid) or 0)
    return msgspec.structs.replace(known, processes=(record,))


def test_a_service_that_cannot_start_fails_the_boot_and_stops_the_rest(tiny_stack):
    with pytest.raises(OperatorError) as refusal:
        up(tiny_stack, "search")
    assert refusal.value.code == "service.ended"
    assert "nothing to live for" in refusal.value.what
    assert str(tiny_stack.log("search-1")) in refusal.value.mend
    assert not Control(tiny_stack).answers
    known = state.load(tiny_stack)
    assert known is not None
    assert not any(record.is_running for record in known.processes)


def test_an_asked_port_base_that_is_taken_is_refused_before_anything_starts(tiny_stack):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", tiny_stack.port("gateway")))
        server.listen()
        with pytest.raises(OperatorError) as refusal:
            up(tiny_stack, "gateway")
    assert refusal.value.code == "port.taken"
    assert str(os.getpid()) in refusal.value.what


def test_a_port_taken_since_the_start_is_named_when_it_is_needed(tiny_stack):
    up(tiny_stack, "world")
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", tiny_stack.port("gateway")))
        server.listen()
        with pytest.raises(OperatorError) as refusal:
            up(tiny_stack, "gateway")
    assert refusal.value.code == "port.taken"
    assert up(tiny_stack, "gateway")["healthy"]


def test_a_running_stack_does_not_move_to_other_ports(tiny_stack):
    up(tiny_stack, "gateway")
    with pytest.raises(OperatorError) as refusal:
        launch.up(tiny_stack.home, port_base=tiny_stack.port_base + 200, names=["gateway"])
    assert refusal.value.code == "stack.other_ports"
    assert Control(tiny_stack).status()["healthy"]


def test_what_the_supervisor_does_not_know_is_refused_with_what_it_knows(tiny_stack):
    up(tiny_stack, "gateway")
    control = Control(tiny_stack)
    for call, code in (
        (lambda: control.restart("orders"), "stack.unknown"),
        (lambda: control.scale("redis", 2), "stack.unknown"),
        (lambda: control.scale("gateway", 99), "stack.scale"),
        (lambda: control.call("dance"), "control.unknown"),
    ):
        with pytest.raises(OperatorError) as refusal:
            call()
        assert (refusal.value.code, refusal.value.exit_code) in {(code, 2), (code, 3)}


def test_down_stops_everything_and_wipe_removes_it(tiny_stack):
    up(tiny_stack, *QUICK)
    known = state.load(tiny_stack)
    assert known is not None
    assert launch.down(tiny_stack.home, wipe=True)
    assert not known.supervisor.is_running
    assert not any(record.is_running for record in known.processes)
    assert not tiny_stack.home.exists()
    assert not launch.down(tiny_stack.home)


def test_wipe_leaves_what_is_not_ours(tiny_stack):
    up(tiny_stack, "gateway")
    note = tiny_stack.home / "my-notes.txt"
    note.write_text("keep me")
    launch.down(tiny_stack.home, wipe=True)
    assert list(tiny_stack.home.iterdir()) == [note]
    note.unlink()
