"""What every command says when no stack is running: two lines and a code, or what it can say all the same."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.main import EXIT_INTERRUPTED
from scenarios.drills import SCENARIOS, flash_sale
from scenarios.world import journals
from tests.support.command_tree import LEAVES

NEEDS_A_FLEET = {
    ("status",): [[], ["--json"]],
    ("top",): [[], ["--every", "2", "--json"]],
    ("restart",): [["gateway"], ["gateway-1", "--json"]],
    ("db",): [["orders"], ["orders", "-c", "TABLE"]],
    ("seed",): [[], ["--size", "l", "--json"]],
    ("scenario", "run"): [["flash-sale", "--quick"], ["flash-sale", "--defect", "read-then-write", "--json"]],
    ("scenario", "matrix"): [["flash-sale", "--runs", "1"]],
    ("scenario", "soak"): [["--kills", "1"]],
    ("drill", "start"): [["flash-sale"], ["double-charge", "--level", "4", "--seed", "1", "--json"]],
    ("drill", "submit"): [["--cause", "healthy"], ["--impact", "none", "--json"]],
    ("drill", "roll-back"): [["inventory"], ["inventory", "--json"]],
    ("drill", "prove"): [[], ["--as-it-stands", "--json"]],
    ("drill", "report"): [[], ["--json"]],
    ("fault", "inject"): [["kill", "orders-1"], ["pause", "kafka", "--for", "2"]],
    ("fault", "heal"): [[], ["latency", "--json"]],
    ("invariants",): [[], ["--only", "INV-02", "--json"]],
    ("repair", "oversell"): [[], ["--plan"], ["--apply", "--json"]],
    ("repair", "charges"): [[], ["--plan"], ["--recall", "SO-1", "--apply", "--json"]],
    ("repair", "events"): [[], ["--plan"], ["--apply", "--json"]],
    ("repair", "projections"): [[], ["--plan"], ["--apply", "--json"]],
    ("order",): [["SO-1"], ["SO-1", "--json"]],
    ("saga", "list"): [[], ["--json"]],
    ("saga", "resume"): [["0190f4a2-7a0e-7cc0-8000-1c5d5f0d3a11"], ["--all", "--json"]],
    ("events", "lag"): [[], ["--json"]],
    ("events", "dlq", "list"): [[], ["--json"]],
    ("events", "dlq", "redrive"): [["inventory"]],
    ("jobs", "list"): [[], ["--dead", "--json"]],
    ("jobs", "retry"): [["notifications:send_message:1"], ["--all", "--json"]],
    ("jobs", "drop"): [["notifications:send_message:1"], ["--all", "--json"]],
    ("search", "reindex"): [[], ["--json"]],
    ("search", "misses"): [[], ["--json"]],
    ("mail", "list"): [[], ["--to", "a@example.com", "--json"]],
    ("mail", "show"): [["1"]],
    ("mail", "preview"): [[], ["order_paid", "--locale", "de", "--json"]],
    ("load", "run"): [["checkout"], ["checkout", "--users", "2", "--json"]],
}
NEEDS_NONE = {
    ("up",), ("down",), ("demo",), ("logs",), ("doctor",), ("test",), ("trace",),
    ("scenario", "list"), ("scenario", "show"), ("scenario", "recheck"), ("scenario", "compare"),
    ("scenario", "export"), ("scenario", "shrink"), ("fault", "list"), ("events", "tail"), ("events", "contract"),
    ("drill", "brief"), ("drill", "hint"), ("drill", "status"), ("load", "list"),
}  # fmt: skip
LINES = [" ".join((*path, *rest)) for path, forms in NEEDS_A_FLEET.items() for rest in forms]


def test_every_command_is_in_one_of_these_lists() -> None:
    assert NEEDS_A_FLEET.keys() | NEEDS_NONE == LEAVES.keys()
    assert not NEEDS_A_FLEET.keys() & NEEDS_NONE


@pytest.mark.parametrize("line", LINES)
def test_a_command_that_needs_a_fleet_says_that_there_is_none_and_how_to_start_it(shopctl, home: Path, line) -> None:
    said = shopctl(*line.split())
    assert (said.code, said.out) == (3, "")
    told = [text for text in said.lines if text != "seed 1"]  # a run prints its seed first, whatever comes
    assert told == [f"No stack is running in {home}.", "Start one: shopctl up."]


@pytest.mark.parametrize("line", LINES)
def test_asking_a_stack_that_is_down_leaves_nothing_behind(shopctl, home: Path, line) -> None:
    shopctl(*line.split())
    assert not home.exists()


@pytest.mark.parametrize("content", [b"", b"{", b'{"profile": "\xff"}', b"[]", b'{"port_base": "x"}'])
def test_a_damaged_record_of_the_stack_is_no_stack(shopctl, home: Path, content: bytes) -> None:
    home.mkdir()
    (home / "stack.json").write_bytes(content)
    said = shopctl("status")
    assert (said.code, len(said.lines)) == (3, 2)


def test_a_home_that_is_a_file_has_no_stack(shopctl, home: Path) -> None:
    home.write_text("I am no directory")
    said = shopctl("status")
    assert (said.code, said.lines[0]) == (3, f"No stack is running in {home}.")


def test_a_home_given_on_the_command_line_is_the_one_looked_at(shopctl, tmp_path: Path) -> None:
    said = shopctl("--home", str(tmp_path / "elsewhere"), "status")
    assert said.lines[0] == f"No stack is running in {tmp_path / 'elsewhere'}."


def test_scenarios_are_listed_for_people_and_programs(shopctl) -> None:
    assert "flash-sale" in shopctl("scenario", "list").out
    said = shopctl("scenario", "list", "--json")
    assert said.err == ""
    assert [(row["id"], row["defects"]) for row in json.loads(said.out)] == [
        (known.id, len(known.defects)) for known in SCENARIOS
    ]


def test_a_scenario_is_shown_with_every_form_and_defect(shopctl) -> None:
    said = shopctl("scenario", "show", "flash-sale")
    assert said.code == 0
    for name in (*flash_sale.SCENARIO.forms, *(card.id for card in flash_sale.SCENARIO.defects)):
        assert name in said.out
    shown = json.loads(shopctl("scenario", "show", "flash-sale", "--json").out)
    forms = {state["id"]: state["forms"] for state in shown["required"]}
    assert (forms["last-unit-raced"], forms["sold-again"]) == (list(flash_sale.SCENARIO.forms), ["full"])
    assert all(state in said.out for state in forms)
    assert shown["id"] == "flash-sale"
    assert [card["id"] for card in shown["defects"]] == [card.id for card in flash_sale.SCENARIO.defects]


def test_the_doctor_prints_findings_that_programs_can_read(shopctl) -> None:
    said = shopctl("doctor", "--json")
    findings = json.loads(said.out)
    assert all(set(finding) == {"name", "verdict", "detail", "mend"} for finding in findings)
    assert said.code == (3 if any(finding["verdict"] == "fail" for finding in findings) else 0)
    assert all(finding["mend"] for finding in findings if finding["verdict"] != "ok"), "a finding without its mend"


@pytest.mark.parametrize(
    ("line", "empty"), [("fault list --json", None), ("events tail --json", []), ("scenario list --json", None)]
)
def test_what_is_printed_for_programs_is_json_and_nothing_else(shopctl, line: str, empty: object) -> None:
    said = shopctl(*line.split())
    assert (said.code, said.err) == (0, "")
    printed = json.loads(said.out)
    assert printed if empty is None else printed == empty


@pytest.mark.parametrize("line", ["drill brief", "drill hint", "drill status", "drill report --last"])
def test_without_a_drill_there_is_nothing_to_tell(shopctl, home: Path, line: str) -> None:
    said = shopctl(*line.split())
    assert (said.out, len(said.lines)) == ("", 2)
    assert "drill" in said.lines[0]
    assert not home.exists()


def test_a_trace_nobody_wrote_is_unknown(shopctl) -> None:
    said = shopctl("trace", "4bf92f3577b34da6a3ce929d0e0e4736")
    assert (said.code, len(said.lines)) == (2, 2)
    assert "4bf92f3577b34da6a3ce929d0e0e4736" in said.lines[0]


def test_logs_of_a_home_without_any_are_none(shopctl) -> None:
    said = shopctl("logs")
    assert (said.code, said.out, said.err) == (0, "", "")


def test_a_damaged_journal_is_an_operators_matter(shopctl, home: Path) -> None:
    (home / "world").mkdir(parents=True)
    (home / "world" / "tap.jsonl").write_bytes(b'{"n": 1}\n{"n": 2,\n{"n": 3}\n')
    said = shopctl("events", "tail")
    assert (said.code, len(said.lines)) == (3, 2)
    assert "tap.jsonl: line 2" in said.lines[0]


def test_the_newest_events_come_last_and_can_be_chosen_by_type(shopctl, home: Path) -> None:
    (home / "world").mkdir(parents=True)
    types = ["order.created", "order.paid", "order.created", "order.paid"]
    rows = [{"n": n, "kind": "record", "type": kind, "aggregate_id": f"a{n}"} for n, kind in enumerate(types, 1)]
    (home / "world" / "tap.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    newest = json.loads(shopctl("events", "tail", "--lines", "3", "--json").out)
    assert [line["aggregate_id"] for line in newest] == ["a2", "a3", "a4"]
    paid = json.loads(shopctl("events", "tail", "--type", "order.paid", "--json").out)
    assert [line["aggregate_id"] for line in paid] == ["a2", "a4"]


def tapped(**line: object) -> str:
    return json.dumps({"kind": "record", "topic": "t", **line}) + "\n"


def test_an_orders_events_are_those_about_it_and_those_that_name_it(shopctl, home: Path) -> None:
    (home / "world").mkdir(parents=True)
    about = [("o1", ""), ("p1", "o1"), ("p2", "o2"), ("o2", "")]
    rows = [tapped(n=n, aggregate_id=aggregate, order_id=order) for n, (aggregate, order) in enumerate(about, 1)]
    (home / "world" / "tap.jsonl").write_text("".join(rows))
    found = json.loads(shopctl("events", "tail", "--order", "o1", "--json").out)
    assert [line["n"] for line in found] == [1, 2]


def test_followed_events_are_the_newest_wanted_and_then_each_new_one(shopctl, home: Path, monkeypatch) -> None:
    (home / "world").mkdir(parents=True)
    tap = home / "world" / "tap.jsonl"
    kinds = ["order.paid", "order.paid", "order.created", "order.paid"]
    tap.write_text("".join(tapped(n=n, type=kind) for n, kind in enumerate(kinds, 1)))
    written = iter([tapped(n=5, type="order.created") + tapped(n=6, type="order.paid")])

    def meanwhile(_: float) -> None:
        for lines in written:
            with tap.open("a") as file:
                file.write(lines)
            return
        raise KeyboardInterrupt

    monkeypatch.setattr(journals, "time", SimpleNamespace(sleep=meanwhile))
    said = shopctl("events", "tail", "-f", "--type", "order.paid", "--lines", "2", "--json")
    assert [json.loads(line)["n"] for line in said.out.splitlines()] == [2, 4, 6]
    assert said.code == EXIT_INTERRUPTED
