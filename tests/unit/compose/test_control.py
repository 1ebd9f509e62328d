"""What the command line makes of a supervisor that hangs up; the supervisor here is a socket and a bystander."""

import socket
import subprocess
import threading
from contextlib import contextmanager

import pytest

from compose import launch, state
from compose.control import Control
from compose.layout import Layout
from compose.operator_error import OperatorError
from compose.process import start_ticks


@pytest.fixture
def layout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", ".")  # as short as a path can be, where the home is too deep for a socket
    return Layout(tmp_path, tmp_path / "cache", 21_000)


@contextmanager
def listener(layout, answer):
    """Answers every request with `answer` and hangs up."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(layout.socket_file))
        server.listen()

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, connection.makefile("rwb") as file:
                    if file.readline():
                        file.write(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_an_answer_comes_after_the_events(layout):
    with listener(layout, b'{"event": "note"}\n{"event": "unit"}\n{"answer": 1}\n'):
        assert [*Control(layout).stream("up")] == [{"event": "note"}, {"event": "unit"}, {"answer": 1}]
        assert Control(layout).call("up") == {"answer": 1}


@pytest.mark.parametrize("said", [b"", b'{"event": "note"}\n'])
def test_a_supervisor_that_hangs_up_is_away(layout, said):
    with listener(layout, said), pytest.raises(OperatorError) as refusal:
        Control(layout).call("status")
    assert refusal.value.code == "stack.down"


def test_without_a_supervisor_nobody_answers(layout):
    assert not Control(layout).answers
    with pytest.raises(OperatorError) as refusal:
        Control(layout).call("status")
    assert refusal.value.code == "stack.down"


def test_a_socket_that_cannot_even_be_tried_is_nobody(layout, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "r" * 120)
    deep = Layout(layout.home / ("d" * 100), layout.cache, layout.port_base)
    with pytest.raises(OperatorError) as refusal:
        Control(deep).call("status")
    assert refusal.value.code == "stack.down"


def test_a_start_that_was_hung_up_on_waits_for_the_end_and_says_the_reason(layout):
    reason = OperatorError("java.missing", "No Java.", mend="Install one.")
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as supervisor:
        record = state.ProcessRecord(
            name="supervisor", kind="supervisor", pid=supervisor.pid, start_ticks=start_ticks(supervisor.pid) or 0
        )
        state.save(layout, state.StackState(port_base=21_000, supervisor=record, error=reason.to_dict()))
        ending = threading.Timer(0.3, supervisor.stdin.close)
        with listener(layout, b'{"event": "note"}\n'):
            ending.start()
            with pytest.raises(OperatorError) as refusal:
                launch.up(layout.home)
            assert not record.is_running
        ending.join()
    assert refusal.value.code == "java.missing"
