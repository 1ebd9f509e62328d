"""One scenario or repair at a time."""

from pathlib import Path

import pytest

from compose import ports, state
from compose.layout import Layout
from compose.operator_error import OperatorError
from scenarios.fleet import Fleet, FleetRefusedError


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


def test_a_refusal_is_told_in_the_words_of_its_problem_document() -> None:
    content = b'{"title": "Conflict", "code": "sku_taken", "detail": "SKU-1 belongs to other goods"}'
    refused = FleetRefusedError("catalog", "POST /internal/products/import", status=409, content=content)
    assert refused.what == (
        "catalog refused POST /internal/products/import with 409, sku_taken: SKU-1 belongs to other goods"
    )
    assert (refused.status, refused.problem) == (409, "sku_taken")


@pytest.mark.parametrize("content", [b"", b"<html>", b"[1]", b'{"code": 7}'])
def test_a_refusal_that_is_no_problem_document_shows_nothing_raw(content: bytes) -> None:
    refused = FleetRefusedError("catalog", "GET /x", status=502, content=content)
    assert refused.what == "catalog refused GET /x with 502, it gave no reason"
