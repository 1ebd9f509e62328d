"""Judges of money know disputes, and captures apart from their authorisations."""

import msgspec
import pytest

from scenarios.checkers import Outcome, named
from scenarios.evidence import in_scope
from scenarios.evidence.rows import AuthorisationRow, DisputeRow, LedgerRow
from scenarios.world.journals import PspRecord
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import chained_hash, fixed_id

SIDES = {
    "dispute_opened": ("disputed", "psp_receivable"),
    "dispute_won": ("psp_receivable", "disputed"),
    "dispute_lost": ("chargebacks", "disputed"),
}


class Sold:
    """A healthy sale, and one of its paid orders."""

    def __init__(self) -> None:
        self.evidence = FlashSale().evidence()
        self.payment = next(row for row in self.evidence.audit.payments if row.captured_minor)
        self.order_id = self.payment.order_id

    def told(self, *kinds: str) -> None:
        """The provider journals it."""
        for kind in kinds:
            line = PspRecord(
                kind=kind, dispute_id="dsp_1", payment_id=self.payment.psp_payment_id, merchant_reference=self.order_id,
                amount_minor=self.payment.amount_minor, currency=self.payment.currency,
            )  # fmt: skip
            self.evidence.journals.psp.append(line)

    def stored(self, status: str) -> None:
        """Payments has it."""
        row = DisputeRow(
            id="d", psp_dispute_id="dsp_1", payment_id=self.payment.id, order_id=self.order_id,
            amount_minor=self.payment.amount_minor, currency=self.payment.currency, status=status, created_at=0.0,
        )  # fmt: skip
        self.evidence.audit.disputes.append(row)

    def booked(self, kind: str, *, debit: str = "", credit: str = "", sign: int = 1) -> None:
        """The ledger has it, in its chain."""
        ledger = self.evidence.audit.ledger
        sides = (debit or SIDES[kind][0], 1), (credit or SIDES[kind][1], -1)
        for account, side in sides:
            followed = {entry.previous_hash for entry in ledger}
            last = next(entry for entry in ledger if entry.entry_hash not in followed)
            entry = LedgerRow(
                id=fixed_id("entry", len(ledger)), transaction_id=fixed_id("dispute", kind), account=account,
                amount_minor=sign * side * self.payment.amount_minor, currency=self.payment.currency,
                order_id=self.order_id, kind=kind, created_at=last.created_at + 1, previous_hash=last.entry_hash,
                entry_hash="",
            )  # fmt: skip
            ledger.append(msgspec.structs.replace(entry, entry_hash=chained_hash(entry)))

    def judged(self, invariant: str) -> tuple[Outcome, set[str]]:
        (checker,) = named(invariant)
        finding = checker.check(self.evidence)
        return finding.outcome, set(finding.counts)


@pytest.mark.parametrize("end", ["opened", "won", "lost"])
def test_a_dispute_that_every_book_knows_is_no_difference(end):
    sold = Sold()
    kinds = ["dispute_opened", *([] if end == "opened" else [f"dispute_{end}"])]
    sold.told(*kinds)
    sold.stored(end)
    for kind in kinds:
        sold.booked(kind)
    for invariant in ("INV-05", "INV-06", "INV-07"):
        assert sold.judged(invariant) == (Outcome.PASS, set())


@pytest.mark.parametrize(
    ("missing", "difference"),
    [
        ("told", {"provider_differs_from_payments"}),
        ("stored", {"provider_differs_from_payments", "payments_differs_from_ledger"}),
        ("booked", {"payments_differs_from_ledger"}),
    ],
)
def test_a_dispute_that_one_book_does_not_know_is_found(missing, difference):
    sold = Sold()
    if missing != "told":
        sold.told("dispute_opened")
    if missing != "stored":
        sold.stored("opened")
    if missing != "booked":
        sold.booked("dispute_opened")
    assert sold.judged("INV-06") == (Outcome.FAIL, difference)


def test_what_is_withheld_in_the_wrong_account_shows_in_both_judges():
    sold = Sold()
    sold.told("dispute_opened")
    sold.stored("opened")
    sold.booked("dispute_opened", debit="sales")
    assert sold.judged("INV-06") == (Outcome.FAIL, {"ledger_differs_from_sales"})
    assert sold.judged("INV-07") == (Outcome.FAIL, {"unknown_posting"})


def test_a_dispute_booked_the_wrong_way_round_is_on_the_wrong_side():
    sold = Sold()
    sold.booked("dispute_opened", sign=-1)
    assert sold.judged("INV-07") == (Outcome.FAIL, {"wrong_side"})


def _captured_apart(sold: Sold, *keys: str, stored: str) -> None:
    """The order's capture was asked for by itself, under these keys."""
    lines = sold.evidence.journals.psp
    (place,) = [
        n for n, line in enumerate(lines) if line.kind == "capture" and line.merchant_reference == sold.order_id
    ]
    capture = msgspec.structs.replace(lines[place], operation="capture")
    lines[place : place + 1] = [
        msgspec.structs.replace(capture, kind="capture" if n == 0 else "replayed", idempotency_key=key)
        for n, key in enumerate(keys)
    ]
    held = AuthorisationRow(
        payment_id=sold.payment.id, order_id=sold.order_id, psp_payment_id=sold.payment.psp_payment_id,
        authorised_minor=1, captured_minor=1, currency="EUR", intent="capture", status="captured",
        idempotency_key=stored, expires_at=0.0, created_at=0.0,
    )  # fmt: skip
    sold.evidence.audit.authorisations.append(held)


@pytest.mark.parametrize(
    ("keys", "kinds"),
    [
        (("c",), set()),
        (("c", "c"), set()),
        (("other",), {"key_not_stored"}),
        (("c", "d"), {"several_keys", "key_not_stored"}),
    ],
)
def test_a_capture_apart_has_one_key_beside_its_authorisations_and_it_is_stored(keys, kinds):
    sold = Sold()
    _captured_apart(sold, *keys, stored="c")
    assert sold.judged("INV-05") == (Outcome.FAIL if kinds else Outcome.PASS, kinds)


def test_a_run_keeps_the_disputes_and_authorisations_of_its_own_orders_alone():
    sold = Sold()
    sold.evidence.audit.payments.append(msgspec.structs.replace(sold.payment, id="p0", order_id="earlier"))
    sold.stored("opened")
    mine = sold.evidence.audit.disputes[0]
    sold.evidence.audit.disputes[:] = [
        msgspec.structs.replace(mine, order_id="earlier"),
        msgspec.structs.replace(mine, created_at=sold.payment.created_at),
    ]
    _captured_apart(sold, "c", stored="c")
    narrowed = in_scope(sold.evidence).audit
    assert [row.order_id for row in narrowed.disputes] == [sold.order_id]
    assert [row.order_id for row in narrowed.authorisations] == [sold.order_id]


def test_a_customer_whose_bank_took_the_money_of_a_cancelled_order_back_is_owed_nothing():
    sold = Sold()
    orders = sold.evidence.audit.orders
    (place,) = [n for n, order in enumerate(orders) if order.id == sold.order_id]
    orders[place] = msgspec.structs.replace(orders[place], status="cancelled")
    assert "orders_differ_from_provider" in sold.judged("INV-06")[1]
    sold = Sold()
    orders = sold.evidence.audit.orders
    orders[place] = msgspec.structs.replace(orders[place], status="cancelled")
    sold.told("dispute_opened")
    sold.stored("opened")
    sold.booked("dispute_opened")
    assert sold.judged("INV-06") == (Outcome.PASS, set())
    assert "unpaid_but_captured" not in sold.judged("INV-05")[1]
