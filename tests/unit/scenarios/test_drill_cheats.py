"""No cheat passes for a repair or for a proof, and each refusal names the invariant that says so."""

import shutil

import msgspec
import pytest

from scenarios.checkers import Outcome
from scenarios.drilling import guarding, refusals
from scenarios.drilling.refusals import Refusal
from scenarios.evidence import Evidence
from scenarios.evidence.views import ROW_TYPES
from scenarios.run_directory import conclude
from scenarios.verdict import judge
from scenarios.world.journals import Journals
from tests.support.anomalies import alter, copy_order
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import fixed_id
from tests.support.drill_cheats import (
    OVERSOLD,
    REPAIRS,
    REPLAYS,
    STANDING,
    Cheat,
    broken_sale,
    everybody_cancelled,
    everybody_paid_back,
    history_rewritten,
    more_supply_in_the_facts,
)

EMPTY_AFTER_A_SALE = {
    "dead_letters", "refunds", "conversion_quotes", "exchange", "order_conversions", "order_promotions",
    "authorisations", "disputes", "price_corrections", "annulments",
}  # fmt: skip


def refused(before: Evidence, now: Evidence) -> list[Refusal]:
    now.facts.repaired = True
    harmed = refusals.harmed(before, now, concerned=OVERSOLD)
    found = refusals.of_verdict(judge(now)) + refusals.of_lost_evidence(before, now) + refusals.of_harm(harmed)
    assert all(refusal.reason for refusal in found)
    return found


def by_name(value: object) -> str:
    return getattr(value, "__name__", str(value)).replace("_", " ")


@pytest.mark.parametrize(("cheat", "invariant"), REPAIRS, ids=by_name)
def test_what_is_no_repair_is_refused_by_the_invariant_that_sees_it(cheat: Cheat, invariant: str) -> None:
    before, now = broken_sale(), broken_sale()
    cheat(now)
    assert invariant in {refusal.invariant for refusal in refused(before, now)}


def test_a_sale_that_is_right_and_was_left_alone_is_not_refused() -> None:
    assert refused(FlashSale().evidence(), FlashSale().evidence()) == []


@pytest.mark.parametrize(
    ("cheat", "invariant"), [(everybody_cancelled, "INV-03"), (everybody_paid_back, "INV-06")], ids=by_name
)
def test_who_was_right_and_is_done_harm_to_is_named_and_who_was_concerned_is_not(cheat: Cheat, invariant: str) -> None:
    before, now = broken_sale(), broken_sale()
    cheat(now)
    harmed = refusals.harmed(before, now, concerned=OVERSOLD)
    assert set(harmed) == set(STANDING)
    (refusal,) = refusals.of_harm(harmed)
    assert refusal.invariant == invariant
    assert f"{len(STANDING)} orders harmed" in refusal.reason
    assert refusals.harmed(before, broken_sale(), concerned=()) == {}


@pytest.mark.parametrize(
    "table", sorted({*refusals.WRITTEN_ONCE, *refusals.KEPT, *refusals.JOURNALS} - EMPTY_AFTER_A_SALE)
)
def test_a_row_or_line_that_is_gone_is_missed_by_its_invariant(table: str) -> None:
    before, now = broken_sale(), broken_sale()
    rows = getattr(now.journals if table in refusals.JOURNALS else now.audit, table)
    del rows[0]
    assert [found.invariant for found in refusals.of_lost_evidence(before, now)] == [refusals.witness_of(table)]
    assert refusals.of_lost_evidence(now, before) == []


@pytest.mark.parametrize(("cheat", "invariant"), REPLAYS, ids=by_name)
def test_a_shop_that_sells_to_nobody_proves_nothing(cheat: Cheat, invariant: str) -> None:
    evidence = FlashSale().evidence()
    cheat(evidence)
    verdict = judge(evidence)
    assert verdict.outcome is not Outcome.PASS
    assert invariant in {refusal.invariant for refusal in refusals.of_verdict(verdict)}


@pytest.mark.parametrize(
    ("cheat", "file", "invariant"),
    [(history_rewritten, "history.jsonl", "INV-09"), (more_supply_in_the_facts, "facts.json", "INV-02")],
    ids=by_name,
)
def test_evidence_that_was_rewritten_on_disk_is_not_judged(tmp_path, cheat: Cheat, file: str, invariant: str) -> None:
    evidence = broken_sale()
    conclude(evidence, tmp_path / "run")
    before = guarding.digests(tmp_path / "run")
    cheat(evidence)
    shutil.rmtree(tmp_path / "run")
    conclude(evidence, tmp_path / "run")
    found = refusals.of_files(before, guarding.digests(tmp_path / "run"))
    assert Refusal(invariant, f"{file} of the run was changed or removed") in found


def test_evidence_that_was_deleted_is_missed(tmp_path) -> None:
    conclude(broken_sale(), tmp_path)
    before = guarding.digests(tmp_path)
    (tmp_path / "journals" / "psp.jsonl.gz").unlink()
    (tmp_path / "snapshots" / "orders.jsonl.gz").unlink()
    assert {found.invariant for found in refusals.of_files(before, guarding.digests(tmp_path))} == {"INV-05", "INV-09"}


def test_judging_a_run_again_changes_no_evidence_of_it(tmp_path) -> None:
    conclude(broken_sale(), tmp_path)
    before = guarding.digests(tmp_path)
    (tmp_path / "verdict.json").unlink()
    assert refusals.of_files(before, guarding.digests(tmp_path)) == []


def test_an_audit_view_that_was_defined_anew_is_told_of_by_what_it_shows() -> None:
    before = {"orders.orders": "SELECT 1", "payments.ledger": "SELECT 2", "inventory.stock": "SELECT 3"}
    now = {"orders.orders": "SELECT 1 WHERE false", "inventory.stock": "SELECT 3"}
    assert [found.invariant for found in refusals.of_views(before, now)] == ["INV-09", "INV-07"]
    assert refusals.of_views(before, dict(before)) == []


@pytest.mark.parametrize("table", [*ROW_TYPES, *refusals.JOURNALS])
def test_every_table_and_journal_is_some_invariants_witness(table: str) -> None:
    known = {*refusals.WRITTEN_ONCE, *refusals.KEPT, *refusals.OTHER_TABLES, *refusals.JOURNALS}
    assert table in known
    assert refusals.witness_of(table).startswith("INV-")


def test_every_journal_that_is_judged_is_only_added_to() -> None:
    assert set(Journals.__struct_fields__) - set(refusals.JOURNALS) == {"sms", "faults"}


def test_a_row_that_changed_what_never_changes_counts_as_lost() -> None:
    before, now = broken_sale(), broken_sale()
    now.audit.orders[0] = msgspec.structs.replace(now.audit.orders[0], total_minor=1)
    assert [found.invariant for found in refusals.of_lost_evidence(before, now)] == ["INV-09"]


def test_orders_placed_after_the_alert_are_not_this_ones() -> None:
    """The same customers buy again on the same fleet."""
    before, now = FlashSale().evidence(), FlashSale().evidence()
    at = now.facts.ended_at + 100.0
    copy_order(now, fixed_id("order", 99), 0, placed_at=at)
    alter(now.audit.orders, {"idempotency_key": "key-of-the-next-run"}, id=fixed_id("order", 99))
    assert "INV-09" in {refusal.invariant for refusal in refused(before, now)}
    now.facts.others_from = at - 50.0
    assert "INV-09" not in {refusal.invariant for refusal in refused(before, now)}
