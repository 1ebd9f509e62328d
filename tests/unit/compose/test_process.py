import asyncio
import os
import signal
import subprocess
import sys

from compose import memory
from compose.process import Command, is_same, rotate, spawn, start_ticks, tail

DEADLINE_S = 10.0


def command(tmp_path, code: str, **more) -> Command:
    return Command(
        argv=[sys.executable, "-c", code], cwd=tmp_path, log=tmp_path / "p.log", environ=dict(os.environ), **more
    )


async def test_the_end_of_a_process_is_noticed_with_its_exit_code(tmp_path):
    process = spawn(command(tmp_path, "print('bye'); raise SystemExit(7)"))
    await asyncio.wait_for(process.ended.wait(), DEADLINE_S)
    assert process.exit_code == 7
    assert not process.is_running
    assert tail(tmp_path / "p.log") == "bye\n"


async def test_a_process_that_ignores_the_stop_signal_is_killed(tmp_path):
    code = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    process = spawn(command(tmp_path, code))
    while not tail(tmp_path / "p.log"):
        await asyncio.sleep(0.01)
    assert not await process.stop(signal.SIGTERM, seconds_max=0.2)
    assert process.exit_code == -signal.SIGKILL


async def test_a_paused_process_can_still_be_stopped(tmp_path):
    process = spawn(command(tmp_path, "import time; time.sleep(60)"))
    process.send(signal.SIGSTOP)
    assert await process.stop(signal.SIGTERM, seconds_max=DEADLINE_S)
    assert process.exit_code == -signal.SIGTERM


async def test_a_signal_to_an_ended_process_reaches_nobody(tmp_path):
    process = spawn(command(tmp_path, "pass"))
    await asyncio.wait_for(process.ended.wait(), DEADLINE_S)
    process.send(signal.SIGKILL)
    assert process.exit_code == 0


def test_a_child_dies_with_its_parent(tmp_path):
    parent = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from compose.process import Command, spawn\n"
        "async def main():\n"
        "    child = spawn(Command(argv=['sleep', '60'], cwd=Path('/'), log=Path(sys.argv[1])))\n"
        "    print(child.pid, child.started_ticks, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", parent, str(tmp_path / "log")], capture_output=True, text=True, check=False, timeout=30
    )
    pid, ticks = (int(part) for part in done.stdout.split())
    handle = os.pidfd_open(pid) if is_same(pid, ticks) else None
    if handle is not None:
        asyncio.run(_until_readable(handle))
        os.close(handle)
    assert not is_same(pid, ticks)


async def _until_readable(handle: int) -> None:
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(handle, gone.set)
    await asyncio.wait_for(gone.wait(), DEADLINE_S)
    asyncio.get_running_loop().remove_reader(handle)


def test_a_pid_with_another_start_time_is_another_process():
    ticks = start_ticks(os.getpid())
    assert ticks is not None
    assert is_same(os.getpid(), ticks)
    assert not is_same(os.getpid(), ticks - 1)


def test_a_grown_log_is_kept_once_and_begun_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("compose.process.LOG_BYTES_MAX", 10)
    log = tmp_path / "a.log"
    log.write_text("x" * 11)
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "a.log.1").read_text() == "x" * 11


async def test_memory_is_the_proportional_set_size_of_a_process_and_its_children(tmp_path):
    child = spawn(Command(argv=["sleep", "60"], cwd=tmp_path, log=tmp_path / "log"))
    assert memory.family_pss_bytes(os.getpid()) > memory.pss_bytes(child.pid) > 0
    await child.stop(signal.SIGTERM, seconds_max=DEADLINE_S)
    assert memory.pss_bytes(child.pid) == 0
