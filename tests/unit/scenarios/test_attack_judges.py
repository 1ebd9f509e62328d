"""The judges of the penetration test: green when every attack is repelled, red by the name of the one that is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scenarios import probes
from scenarios.checkers import Outcome, aftermath, honest_traffic
from scenarios.checkers.attacks import repelled
from scenarios.evidence import Evidence, RunFacts
from scenarios.history import Record
from scenarios.probes.aftermath import AFTERMATH, AUDITED, Aftermath
from scenarios.probes.card import ATTACK, AttackOutcome
from scenarios.probes.catalogue import CARDS, PROBES
from scenarios.probes.probe import Probe

CARD = CARDS[0]
JUDGE = repelled(CARD)
NOT_PROBES = {"card", "site", "probe", "grounds", "catalogue", "aftermath"}


def evidence(*records: Record) -> Evidence:
    facts = RunFacts(scenario="pen-test", seed=1, started_at=1_000.0, history_origin_at=1_000.0)
    return Evidence(facts=facts, history=[msgspec.structs.replace(it, index=n) for n, it in enumerate(records)])


def attack(kind: str = "fail", *, probe: str = CARD.id, at_s: float = 10.0, until_s: float = 11.0, **outcome: Any):
    value = msgspec.to_builtins(AttackOutcome(**{"probe": probe, "requests": 3, "reached": True, **outcome}))
    common: dict[str, Any] = {"process": 1, "function": ATTACK, "key": probe}
    return (
        Record(0, at_s, type="invoke", **common),
        Record(0, until_s, type=kind, value=value, error="" if kind == "ok" else "repelled", **common),  # type: ignore[arg-type]
    )


def honest(count: int, *, at_s: float, wait_s: float = 0.01, kind: str = "ok") -> list[Record]:
    found = []
    for number in range(count):
        common: dict[str, Any] = {"process": 100 + number + int(at_s) * 1_000, "function": honest_traffic.HONEST}
        found.append(Record(0, at_s, type="invoke", value="/cart", **common))
        found.append(Record(0, at_s + wait_s, type=kind, error="" if kind == "ok" else "500", **common))  # type: ignore[arg-type]
    return found


def test_an_attack_that_was_repelled_where_it_should_be_passes() -> None:
    result = JUDGE.check(evidence(*attack()))
    assert (result.outcome, result.checked, result.id) == (Outcome.PASS, 3, CARD.invariant)


def test_an_attack_that_gained_something_fails_by_its_own_name_alone() -> None:
    played = evidence(*attack("ok", gains=("all products",)))
    result = JUDGE.check(played)
    assert (result.outcome, result.counts) == (Outcome.FAIL, {"attack_succeeded": 1})
    assert result.first is not None
    assert (result.first.message, result.first.at) == ("all products", 1_011.0)
    assert {repelled(card).check(played).outcome for card in CARDS[1:]} == {Outcome.INVALID}


@pytest.mark.parametrize(
    "records",
    [(), attack(reached=False), attack("info"), attack()[:1]],
    ids=["never played", "lost on the way", "not begun", "never ended"],
)
def test_an_attack_that_did_not_come_through_says_nothing(records: tuple[Record, ...]) -> None:
    result = JUDGE.check(evidence(*records))
    assert result.outcome is Outcome.INVALID
    assert result.weaknesses


def served(*beside: Record, before_s: float = 0.01, count: int = 200) -> Evidence:
    ends = attack(at_s=10.0, until_s=60.0)
    return evidence(*honest(count, at_s=1.0, wait_s=before_s), ends[0], *beside, ends[1])


def test_honest_customers_who_wait_no_longer_and_meet_no_error_pass() -> None:
    assert honest_traffic.CHECKER.check(served(*honest(200, at_s=20.0))).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("beside", "kind"),
    [
        (lambda: [*honest(199, at_s=20.0), *honest(1, at_s=30.0, kind="fail")], "honest_request_failed"),
        (lambda: [*honest(199, at_s=20.0), *honest(1, at_s=30.0, kind="info")], "honest_request_failed"),
        (lambda: honest(200, at_s=20.0, wait_s=0.2), "honest_traffic_slowed"),
    ],
    ids=["refused", "never answered", "slowed"],
)
def test_honest_customers_who_suffer_fail_the_run(beside: Callable[[], list[Record]], kind: str) -> None:
    result = honest_traffic.CHECKER.check(served(*beside()))
    assert (result.outcome, result.counts) == (Outcome.FAIL, {kind: 1})


def test_a_few_stalls_among_many_requests_are_no_percentile() -> None:
    stalled = [*honest(195, at_s=20.0), *honest(5, at_s=40.0, wait_s=3.0)]
    assert honest_traffic.CHECKER.check(served(*stalled)).outcome is Outcome.PASS
    stalled = [*honest(194, at_s=20.0), *honest(6, at_s=40.0, wait_s=3.0)]
    assert honest_traffic.CHECKER.check(served(*stalled)).counts == {"honest_traffic_slowed": 1}


def test_one_error_in_more_than_a_thousand_is_only_counted() -> None:
    played = served(*honest(1_100, at_s=20.0), *honest(1, at_s=30.0, kind="fail"))
    result = honest_traffic.CHECKER.check(played)
    assert (result.outcome, result.observed["honest requests that failed"]) == (Outcome.PASS, 1)


@pytest.mark.parametrize(
    "played",
    [
        evidence(*honest(100, at_s=1.0)),
        served(*honest(10, at_s=20.0)),
        served(*honest(200, at_s=20.0), count=10),
        served(*honest(200, at_s=20.0, wait_s=9.0), before_s=0.3),
    ],
    ids=["no attack", "few beside", "few before", "busy before"],
)
def test_too_few_honest_requests_are_no_measurement(played: Evidence) -> None:
    assert honest_traffic.CHECKER.check(played).outcome is Outcome.INVALID


def test_every_file_of_attacks_is_listed_and_every_attack_has_a_name_of_its_own() -> None:
    from importlib import import_module  # noqa: PLC0415 -- each file is a module

    files = {path.stem for path in Path(probes.__file__).parent.glob("*.py")} - {"__init__"} - NOT_PROBES
    written = [probe for name in sorted(files) for probe in import_module(f"scenarios.probes.{name}").PROBES]
    assert {probe.card.id for probe in written} == {card.id for card in CARDS}
    assert len(written) == len(CARDS) == len({card.id for card in CARDS})
    for name in files:
        module = import_module(f"scenarios.probes.{name}")
        assert {value for value in vars(module).values() if isinstance(value, Probe)} <= set(PROBES)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_a_card_says_everything(card) -> None:
    assert [name for name, value in msgspec.structs.asdict(card).items() if not value] == []
    assert card.reaches in card.services
    assert "gateway" in card.services


def looked(**found: Any) -> Evidence:
    value = msgspec.to_builtins(Aftermath(**{"compared": 9, "audited": dict.fromkeys(AUDITED, 1), **found}))
    common: dict[str, Any] = {"process": 1, "function": AFTERMATH}
    return evidence(Record(0, 1.0, type="invoke", **common), Record(0, 2.0, type="ok", value=value, **common))


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        ({}, set()),
        ({"lost": {"auth.users": 2}}, {"row_changed"}),
        ({"secrets": ("auth.users",)}, {"secret_in_table"}),
        ({"audited": {"login": 3}}, {"not_audited"}),
    ],
    ids=["all as it was", "a row is gone", "a secret in a table", "nothing audited"],
)
def test_what_a_suite_leaves_behind_is_judged(found: dict[str, Any], kinds: set[str]) -> None:
    results = [checker.check(looked(**found)) for checker in aftermath.CHECKERS]
    assert {kind for result in results for kind in result.counts} == kinds
    assert {result.outcome for result in results} == ({Outcome.PASS, Outcome.FAIL} if kinds else {Outcome.PASS})


def test_a_suite_whose_tables_nobody_looked_at_says_nothing() -> None:
    assert {checker.check(evidence()).outcome for checker in aftermath.CHECKERS} == {Outcome.INVALID}
