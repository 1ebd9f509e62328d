"""Which run a repair is judged by."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from compose import ports, state
from compose.layout import Layout, make_directories
from scenarios.fleet import Fleet
from scenarios.repair.rejudge import last_run
from scenarios.run_directory import conclude, create_run_directory, save_plan
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import STARTED_AT


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    layout = Layout(tmp_path, tmp_path / "cache", ports.DEFAULT_BASE)
    make_directories(layout)
    nobody = state.ProcessRecord(name="supervisor", kind="supervisor", pid=0, start_ticks=0)
    return Fleet(layout, state.StackState(port_base=ports.DEFAULT_BASE, supervisor=nobody))


def played(fleet: Fleet, hour: int, *, whole: bool = True) -> Path:
    directory = create_run_directory(
        fleet.layout.runs, "flash-sale", seed=1, now=datetime(2026, 11, 22, hour, tzinfo=UTC)
    )
    save_plan(directory, {"scenario": "flash-sale"})
    if whole:
        conclude(FlashSale().evidence(), directory)
    return directory


def test_without_any_run_there_is_nothing_to_judge_again(fleet: Fleet) -> None:
    assert last_run(fleet) is None


def test_the_newest_run_is_the_one_whose_damage_is_repaired(fleet: Fleet) -> None:
    played(fleet, 10)
    newest = played(fleet, 11)
    found = last_run(fleet)
    assert found is not None
    assert (found.directory, found.started_at) == (newest, STARTED_AT)


def test_a_run_that_was_interrupted_is_passed_over(fleet: Fleet) -> None:
    whole = played(fleet, 10)
    played(fleet, 11, whole=False)
    found = last_run(fleet)
    assert found is not None
    assert found.directory == whole


def test_interrupted_runs_alone_are_none(fleet: Fleet) -> None:
    played(fleet, 11, whole=False)
    assert last_run(fleet) is None
