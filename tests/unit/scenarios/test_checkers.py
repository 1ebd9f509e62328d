"""Every checker is green on healthy evidence, red on each kind of damage, INVALID on too little."""

import importlib
import inspect
import pkgutil
import re
from dataclasses import replace

import msgspec
import pytest

import scenarios.checkers
from scenarios.checkers import ALL_CHECKERS, EVERY_CHECKER, MEASURED_CHECKERS, Checker, Outcome, named
from scenarios.checkers.money_reconciles import RECEIVABLE
from scenarios.evidence import AuditTables, Evidence, in_scope
from scenarios.evidence.views import ROW_TYPES
from scenarios.world.journals import Journals
from tests.support.anomalies import ANOMALIES
from tests.support.builders import FlashSale
from tests.support.builders.rush import with_rush

SUPPORT_MODULES = {"result", "standing", "occupancy", "list_append", "transactions"}
OF_THE_PEN_TEST = {"aftermath", "attacks", "honest_traffic"}
"""Judges of one scenario alone; test_attack_judges.py is theirs."""
NOT_EVIDENCE = {"faults": "what was done to the proxies; the report shows it"}
"""Journals that no checker reads, and why they are kept."""
KIND = re.compile(r'(?:violation|damage)\(\s*"(\w+)"|kind, message = "(\w+)"|kind = "(\w+)" if .* else "(\w+)"')
IO_MODULES = {"asyncpg", "aiohttp", "socket", "asyncio", "pathlib", "os", "time", "datetime"}


def by_id(checker: Checker) -> str:
    return checker.id


def healthy(checker: Checker) -> Evidence:
    """A sale, and a day with a trigger for those who judge that."""
    sale = FlashSale().evidence()
    return with_rush(sale) if checker in MEASURED_CHECKERS else sale


@pytest.mark.parametrize("checker", EVERY_CHECKER, ids=by_id)
def test_a_healthy_sale_passes(checker: Checker) -> None:
    result = checker.check(healthy(checker))
    assert (result.outcome, result.counts, result.weaknesses) == (Outcome.PASS, {}, ())
    assert result.checked > 0


@pytest.mark.parametrize(("supply", "buyers"), [(6, 20), (20, 60), (50, 400)])
def test_a_healthy_sale_of_any_size_passes(supply: int, buyers: int) -> None:
    evidence = FlashSale(buyers=buyers, supply=supply).evidence()
    assert {checker.check(evidence).outcome for checker in ALL_CHECKERS} == {Outcome.PASS}


@pytest.mark.parametrize(
    ("spoil", "invariant", "kind"), ANOMALIES, ids=[f"{row[1]}-{row[2]}-{row[0].__name__}" for row in ANOMALIES]
)
def test_damage_turns_its_invariant_red(spoil, invariant: str, kind: str) -> None:
    (checker,) = named(invariant)
    evidence = healthy(checker)
    spoil(evidence)
    result = checker.check(evidence)
    assert result.outcome is Outcome.FAIL
    assert kind in result.counts
    assert result.first is not None
    assert result.worst is not None


@pytest.mark.parametrize("checker", EVERY_CHECKER, ids=by_id)
def test_nothing_at_all_is_too_little_to_judge(checker: Checker) -> None:
    healthy = FlashSale().evidence()
    healthy.facts.log_lines = 0
    healthy.facts.figures = {}
    empty = replace(healthy, history=[], audit=AuditTables(), journals=nothing(healthy))
    result = checker.check(empty)
    assert result.outcome is Outcome.INVALID
    assert result.weaknesses


@pytest.mark.parametrize("checker", [checker for checker in ALL_CHECKERS if checker.needs], ids=by_id)
def test_a_view_that_could_not_be_read_is_never_a_pass(checker: Checker) -> None:
    evidence = FlashSale().evidence()
    evidence.facts.problems.append(f"{checker.needs[0]}: permission denied")
    assert checker.check(evidence).outcome is Outcome.INVALID


def test_every_kind_of_damage_has_an_invariant_of_its_own() -> None:
    covered = {invariant for _, invariant, _ in ANOMALIES}
    assert covered == {checker.id for checker in EVERY_CHECKER}


def test_every_kind_a_checker_can_report_has_planted_damage() -> None:
    """Read from the sources, so that a new kind without damage turns this red."""
    reported: set[str] = set()
    for module in pkgutil.iter_modules(scenarios.checkers.__path__):
        if module.name in OF_THE_PEN_TEST:
            continue
        source = inspect.getsource(importlib.import_module(f"scenarios.checkers.{module.name}"))
        for names in KIND.findall(source):
            reported.update(name for name in names if name)
    planted = {kind for _, _, kind in ANOMALIES}
    assert len(reported) > 90
    assert reported - planted == set()


def test_the_catalogue_lists_every_checker_file() -> None:
    files = (
        {module.name for module in pkgutil.iter_modules(scenarios.checkers.__path__)}
        - SUPPORT_MODULES
        - OF_THE_PEN_TEST
    )
    listed = {importlib.import_module(f"scenarios.checkers.{name}").CHECKER for name in files}
    assert listed == set(EVERY_CHECKER)
    assert len({checker.id for checker in EVERY_CHECKER}) == len(EVERY_CHECKER)


def test_checkers_import_nothing_that_does_io() -> None:
    for module in pkgutil.iter_modules(scenarios.checkers.__path__):
        loaded = importlib.import_module(f"scenarios.checkers.{module.name}")
        assert not IO_MODULES & set(vars(loaded)), module.name


def test_what_is_collected_is_judged() -> None:
    """Every table of the snapshot and every journal is read by some checker; what nobody reads is not collected."""
    modules = ["scenarios.evidence.bundle"]
    modules += [f"scenarios.checkers.{module.name}" for module in pkgutil.iter_modules(scenarios.checkers.__path__)]
    read = "\n".join(inspect.getsource(importlib.import_module(module)) for module in modules)
    assert {table for table in ROW_TYPES if not re.search(rf"\baudit\.{table}\b", read)} == set()
    journals = set(Journals.__struct_fields__)
    assert {name for name in journals if not re.search(rf"\bjournals\.{name}\b", read)} == set(NOT_EVIDENCE)


def test_an_unknown_invariant_is_named() -> None:
    with pytest.raises(KeyError, match="INV-99"):
        named("INV-01", "INV-99")


def test_orders_of_an_earlier_run_are_left_out() -> None:
    evidence = FlashSale().evidence()
    foreign = "00000000-0000-0000-0000-000000000001"
    old = evidence.audit.orders[0]
    evidence.audit.orders.append(type(old)(**{**fields(old), "id": foreign, "placed_at": 1.0}))
    narrowed = in_scope(evidence)
    assert foreign not in narrowed.orders
    assert foreign in narrowed.foreign_orders
    assert {checker.check(narrowed).outcome for checker in ALL_CHECKERS} == {Outcome.PASS}


def test_an_event_of_an_earlier_run_that_comes_again_is_left_out() -> None:
    evidence = FlashSale().evidence()
    old, line = evidence.audit.outbox[-1], evidence.journals.tap[-1]
    assert old.id == line.event_id
    evidence.audit.outbox.append(msgspec.structs.replace(old, id="earlier", created_at=1.0, aggregate_id="earlier"))
    evidence.journals.tap.append(msgspec.structs.replace(line, event_id="earlier", offset=9_999))
    assert {checker.check(in_scope(evidence)).outcome for checker in ALL_CHECKERS} == {Outcome.PASS}


def test_what_an_earlier_run_left_wrong_in_the_revenue_is_no_damage_of_this_one() -> None:
    evidence = FlashSale().evidence()
    fact, day = evidence.audit.order_facts[0], evidence.audit.revenue_daily[0]
    counted_twice = msgspec.structs.replace(fact, order_id="earlier", placed_at=1.0, paid_minor=2_000)
    evidence.audit.order_facts.append(counted_twice)
    evidence.audit.revenue_daily[0] = msgspec.structs.replace(day, paid_minor=day.paid_minor + 2_000)
    booked = next(row for row in evidence.audit.ledger if row.account == RECEIVABLE and row.kind == "capture")
    evidence.audit.ledger.append(msgspec.structs.replace(booked, order_id="earlier", amount_minor=1_000))
    result = next(checker for checker in ALL_CHECKERS if checker.id == "INV-16").check(in_scope(evidence))
    assert result.outcome is Outcome.PASS


def fields(row) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def nothing(evidence: Evidence):
    return type(evidence.journals)([], [], [], [], [], [])
