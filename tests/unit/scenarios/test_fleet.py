"""One scenario or repair at a time."""

from pathlib import Path

import pytest

from compose import ports, state
from compose.layout import Layout
from compose.operator_error import OperatorError
from scenarios.fleet import Fleet


def fleet_of(home: Path) -> Fleet:
    layout = Layout(home=home, cache=home / "cache", port_base=ports.DEFAULT_BASE)
    nobody = state.ProcessRecord(name="supervisor", kind="supervisor", pid=0, start_ticks=0)
    return Fleet(layout, state.StackState(port_base=ports.DEFAULT_BASE, supervisor=nobody))


def test_who_comes_second_is_told_to_wait(tmp_path: Path) -> None:
    with fleet_of(tmp_path).exclusive(), pytest.raises(OperatorError) as refused, fleet_of(tmp_path).exclusive():
        raise AssertionError("two at once")
    assert refused.value.code == "fleet.busy"
    assert "Wait for its end" in refused.value.mend


def test_the_next_one_may_when_the_first_has_ended(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), fleet_of(tmp_path).exclusive():
        raise ZeroDivisionError
    with fleet_of(tmp_path).exclusive():
        assert (tmp_path / "exclusive").exists()
