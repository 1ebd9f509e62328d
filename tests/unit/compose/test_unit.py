"""The life of one supervised process, with a runner that starts nothing."""

import asyncio
import signal

import pytest

from compose.operator_error import OperatorError
from compose.supervisor import unit as units
from compose.supervisor.unit import Unit

DEADLINE_S = 5.0


class FakeProcess:
    pid = 1
    started_ticks = 1
    started_at = 0.0
    inside = ""
    is_paused = False

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.exit_code: int | None = None

    @property
    def is_running(self) -> bool:
        return not self.ended.is_set()

    def send(self, number: signal.Signals) -> None:
        self.exit_code = -number
        self.ended.set()


class FakeRunner:
    ready_url = ""

    def __init__(self, *, mute_starts: int = 0) -> None:
        self.started: list[FakeProcess] = []
        self._mute_starts = mute_starts

    async def spawn(self) -> FakeProcess:
        self.started.append(FakeProcess())
        return self.started[-1]

    async def until_ready(self, process: FakeProcess) -> None:
        assert process.is_running
        if len(self.started) <= self._mute_starts:
            raise OperatorError("service.not_ready", "mute", mend="wait")

    async def stop(self, process: FakeProcess) -> None:
        process.send(signal.SIGTERM)

    def ended(self, process: FakeProcess) -> None: ...


def made(runner: FakeRunner) -> tuple[Unit, list[str]]:
    states: list[str] = []
    unit = Unit("x-1", runner, kind="service", component="x", port=1, changed=lambda unit: states.append(unit.state))
    return unit, states


async def until(condition) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_crashed_process_is_started_again():
    runner = FakeRunner()
    unit, states = made(runner)
    await unit.start()
    runner.started[0].send(signal.SIGKILL)
    await until(lambda: len(runner.started) == 2 and unit.state == "ready")
    assert unit.restarts == 1
    assert "crashed" in states
    await unit.stop()


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """The pauses before restarts, which take no time."""
    taken: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds in units.BACK_OFF_SECONDS:
            taken.append(seconds)
        await real_sleep(0 if seconds in units.BACK_OFF_SECONDS else seconds)

    monkeypatch.setattr(units.asyncio, "sleep", sleep)
    return taken


async def killed(runner: FakeRunner, unit: Unit, *, times: int, pauses: list[float]) -> None:
    for number in range(times):
        await until(lambda number=number: len(runner.started) > number and unit.state == "ready")
        runner.started[-1].send(signal.SIGKILL)
        await until(lambda number=number: len(pauses) > number)


async def test_a_process_that_dies_right_after_it_is_ready_waits_longer_each_time(pauses):
    runner = FakeRunner()
    unit, _ = made(runner)
    await unit.start()
    await killed(runner, unit, times=4, pauses=pauses)
    await unit.stop()
    assert pauses[:4] == list(units.BACK_OFF_SECONDS[:4])


async def test_a_process_that_worked_is_back_at_once_however_often_it_is_killed(monkeypatch, pauses):
    monkeypatch.setattr(units, "PROVEN_SECONDS", 0.0)
    runner = FakeRunner()
    unit, _ = made(runner)
    await unit.start()
    await killed(runner, unit, times=10, pauses=pauses)
    await unit.stop()
    assert pauses[:10] == [units.BACK_OFF_SECONDS[0]] * 10


async def test_a_process_that_never_gets_ready_waits_longer_each_time(monkeypatch, pauses):
    monkeypatch.setattr(units, "PROVEN_SECONDS", 0.0)
    runner = FakeRunner()
    unit, _ = made(runner)
    await unit.start()
    runner._mute_starts = 100
    for number in range(4):
        await until(lambda number=number: len(runner.started) > number and unit.process is runner.started[-1])
        await until(lambda: unit.state in {"ready", "not ready"} and unit.is_running)
        runner.started[-1].send(signal.SIGKILL)
        await until(lambda number=number: len(pauses) > number)
    await unit.stop()
    assert pauses[:4] == list(units.BACK_OFF_SECONDS[:4])


async def test_a_stopped_process_stays_stopped():
    runner = FakeRunner()
    unit, _ = made(runner)
    await unit.start()
    await unit.stop()
    await asyncio.sleep(0)
    assert (unit.state, len(runner.started)) == ("stopped", 1)


async def test_a_first_start_that_stays_mute_is_stopped_and_reported():
    runner = FakeRunner(mute_starts=1)
    unit, _ = made(runner)
    with pytest.raises(OperatorError):
        await unit.start()
    assert unit.state == "stopped"
    assert not unit.is_running


async def test_starting_twice_starts_once():
    runner = FakeRunner()
    unit, _ = made(runner)
    await asyncio.gather(unit.start(), unit.start())
    assert len(runner.started) == 1
    await unit.stop()


async def test_a_restart_that_stays_mute_is_kept_running():
    runner = FakeRunner()
    unit, _ = made(runner)
    await unit.start()
    runner._mute_starts = 2
    with pytest.raises(OperatorError):
        await unit.restart()
    assert unit.is_running
    runner.started[-1].send(signal.SIGKILL)
    await until(lambda: len(runner.started) == 3 and unit.state == "ready")
    await unit.stop()
