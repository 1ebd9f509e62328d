"""What foreign checkers are given: the whole history, in their words, that says the same in both forms."""

import json
import re

import pytest

from compose.operator_error import OperatorError
from scenarios import export
from scenarios.export import Keyword, as_edn, as_json, edn
from tests.support.anomalies import changes_lost
from tests.support.builders import FlashSale


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nil"),
        (True, "true"),
        (7, "7"),
        (1.5, "1.5"),
        ('say "no"\n', '"say \\"no\\"\\n"'),
        (Keyword("place_order"), ":place-order"),
        ([Keyword("append"), 3, 1], "[:append 3 1]"),
        ({"type": Keyword("ok"), "value": {"sku": "A", "lines": []}}, '{:type :ok, :value {:sku "A", :lines []}}'),
    ],
)
def test_values_are_written_as_edn(value: object, text: str) -> None:
    assert edn(value) == text


def test_the_clients_history_keeps_every_record() -> None:
    evidence = FlashSale().evidence()
    operations = export.clients(evidence)
    assert len(operations) == len(evidence.history)
    lines = list(as_edn(operations))
    assert re.match(r"\{:index 0, :time \d+, :process \d+, :type :invoke, :f :place-order, :value \{", lines[0])
    assert json.loads("\n".join(as_json(operations)))[0]["f"] == "place_order"


def test_a_process_has_one_operation_at_a_time() -> None:
    """What Porcupine's operations are put together from."""
    busy: set[int] = set()
    for operation in export.clients(FlashSale().evidence()):
        if operation["type"] == "invoke":
            assert operation["process"] not in busy
            busy.add(operation["process"])
        else:
            busy.remove(operation["process"])


@pytest.mark.parametrize("history", ["ledger", "orders"])
def test_stored_histories_are_list_append_with_whole_reads(history: str) -> None:
    operations = json.loads("\n".join(as_json(export.HISTORIES[history](FlashSale().evidence()))))
    half = len(operations) // 2
    assert {one["type"] for one in operations[:half]} == {"invoke"}
    assert {one["type"] for one in operations[half:]} == {"ok"}
    assert [one["process"] for one in operations[:half]] == [one["process"] for one in operations[half:]]
    steps = [step for one in operations[half:] for step in one["value"]]
    appended = [value for kind, _, value in steps if kind == "append"]
    assert len(appended) == len(set(appended))
    assert all(isinstance(value, int) for value in appended)
    whole = {key: values for kind, key, values in steps if kind == "r"}
    for kind, key, values in steps:
        if kind == "r":
            assert values == whole[key][: len(values)]
    for invoked, completed in zip(operations[:half], operations[half:], strict=True):
        for asked, told in zip(invoked["value"], completed["value"], strict=True):
            assert asked == (told if told[0] == "append" else ["r", told[1], None])


def test_a_lost_update_shows_as_two_reads_of_one_end() -> None:
    evidence = FlashSale().evidence()
    changes_lost(evidence)
    operations = export.orders(evidence)
    ends = [str(step[:2] + step[2][-1:]) for one in operations for step in one["value"] if step[0] == "r" and step[2]]
    assert len(ends) - len(set(ends)) == 1


def test_reads_beyond_all_bounds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "ELEMENTS_MAX", 10)
    with pytest.raises(OperatorError) as refused:
        export.ledger(FlashSale().evidence())
    assert refused.value.code == "export.too_large"
