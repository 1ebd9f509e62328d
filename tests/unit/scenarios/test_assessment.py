"""The findings of an assessment: what succeeded comes first, and SARIF says it as the standard wants it."""

import json
from typing import Any

import msgspec
import pytest

from scenarios.assessment import FINDINGS, SARIF, assess, write_findings
from scenarios.evidence import Evidence, RunFacts
from scenarios.history import Record
from scenarios.probes.card import ATTACK, AttackOutcome, Exchange, ProbeCard
from scenarios.probes.catalogue import CARDS
from scenarios.report import page
from scenarios.sarif import sarif
from scenarios.verdict import judge

WON, HELD, LOST = CARDS[-1], CARDS[0], CARDS[1]
EXCHANGE = Exchange("GET /api/v1/products?q=<script>", 200, "<b>all</b>", "a" * 32)


def evidence(*, rounds: int = 1) -> Evidence:
    """One attack succeeded, one was repelled, one never came to its service."""
    records: list[Record] = []
    for number, (card, outcome) in enumerate(
        rounds
        * (
            (HELD, AttackOutcome(probe=HELD.id, requests=3, reached=True, exchanges=(EXCHANGE,))),
            (WON, AttackOutcome(probe=WON.id, requests=5, reached=True, gains=("all <b>",), exchanges=(EXCHANGE,))),
            (LOST, AttackOutcome(probe=LOST.id, requests=1)),
        )
    ):
        common: dict[str, Any] = {"process": number, "function": ATTACK, "key": card.id}
        kind = "ok" if outcome.gains else "fail"
        value = msgspec.to_builtins(outcome)
        records.append(Record(0, number, type="invoke", value=msgspec.to_builtins(card), **common))
        records.append(Record(0, number + 0.5, type=kind, value=value, **common))
    facts = RunFacts(scenario="pen-test", seed=7, started_at=1_000.0, history_origin_at=1_000.0)
    return Evidence(facts=facts, history=[msgspec.structs.replace(it, index=n) for n, it in enumerate(records)])


def test_what_succeeded_comes_first_and_what_never_came_through_is_no_defence() -> None:
    found = assess(evidence()).attacks
    assert [(one.card.id, one.state) for one in found] == [
        (WON.id, "succeeded"),
        (LOST.id, "not tried"),
        (HELD.id, "repelled"),
    ]


def test_several_rounds_are_one_finding() -> None:
    worst = assess(evidence(rounds=3)).attacks[0]
    assert (worst.played, worst.succeeded, worst.requests) == (3, 3, 15)


def test_nobody_attacked_is_no_assessment() -> None:
    empty = msgspec.structs.replace(evidence().facts)
    assert assess(Evidence(facts=empty, history=[])).attacks == ()


def log_of(cards: tuple[ProbeCard, ...] = CARDS, state: str = "succeeded") -> dict[str, Any]:
    attacked = [(card, state, ("it",) if state == "succeeded" else (), (EXCHANGE,)) for card in cards]
    return json.loads(msgspec.json.encode(sarif(attacked, run="pen-test/7")))


def test_sarif_has_what_the_standard_requires_of_a_log() -> None:
    log = log_of()
    assert (log["version"], log["$schema"].endswith("sarif-schema-2.1.0.json")) == ("2.1.0", True)
    (run,) = log["runs"]
    assert run["tool"]["driver"]["name"]
    assert [type(one["executionSuccessful"]) for one in run["invocations"]] == [bool]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(ids)) == len(ids) == len(CARDS)
    taxa = {taxon["id"] for taxon in run["taxonomies"][0]["taxa"]}
    for rule in run["tool"]["driver"]["rules"]:
        assert rule["defaultConfiguration"]["level"] in {"none", "note", "warning", "error"}
        assert all(rule[name]["text"] for name in ("shortDescription", "fullDescription", "help"))
        assert {it["target"]["id"] for it in rule["relationships"]} <= taxa
        assert 0.0 < float(rule["properties"]["security-severity"]) <= 10.0
        assert len(rule["properties"]["tags"]) == len(set(rule["properties"]["tags"]))


@pytest.mark.parametrize(("state", "kind"), [("succeeded", "fail"), ("repelled", "pass"), ("not tried", "open")])
def test_sarif_results_point_at_their_rules_and_only_a_failure_has_a_level(state: str, kind: str) -> None:
    (run,) = log_of(state=state)["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["kind"] == kind
        assert (result["level"] == "none") is (kind != "fail")
        assert result["message"]["text"]
        assert isinstance(result["webResponse"]["statusCode"], int)
    assert run["invocations"][0]["executionSuccessful"] is (state != "not tried")


def test_findings_are_written_and_read_back(tmp_path) -> None:
    write_findings(assess(evidence()), tmp_path)
    assert json.loads((tmp_path / FINDINGS).read_bytes())["attacks"][0]["card"]["cwe"] == WON.cwe
    assert json.loads((tmp_path / SARIF).read_bytes())["runs"][0]["results"][0]["kind"] == "fail"


def test_the_report_shows_attacks_and_escapes_what_attackers_said() -> None:
    played = evidence()
    shown = page(played, judge(played, ()), run_name="run")
    for expected in (WON.title, f"CWE-{WON.cwe}", WON.owasp, "all &lt;b&gt;", "q=&lt;script&gt;"):
        assert expected in shown.replace("&#39;", "'")
    assert "<script>" not in shown
