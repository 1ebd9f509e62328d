"""INV-17: one message per event, template, recipient and channel, to the right person, over the right amount.

The witnesses are the mail catcher and the gateways to phones. The same Message-ID twice is a redelivery by the
protocol, which may cost a copy for an answer that was lost and has a bound; another Message-ID for the same thing is a
violation at once. What was told before a repair began nobody can take back; whoever is told again since then is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from scenarios.checkers.money_reconciles import SALES
from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import OrderRow
from scenarios.money_text import minor_units, money_text
from scenarios.world.journals import SmtpRecord

PHONES = frozenset({"sms", "push"})
MAY_SOUND_ALIKE = frozenset({"duplicate_returned"})
"""Two duplicates of one order may have the same amount."""
REDELIVERIES_MAX = 1
"""Copies of one mail beyond the first on a fleet where nothing was broken: one answer that came too late."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    mails = [mail for mail in evidence.journals.smtp if mail.kind in {"", "accepted"} and mail.template]
    findings.require(mails, "no mail of the shop arrived")
    sent: dict[tuple[str, str, str], list[SmtpRecord]] = defaultdict(list)
    for mail in mails:
        findings.check()
        for recipient in mail.recipients:
            sent[mail.event_id, mail.template, recipient.lower()].append(mail)
        _judge_content(evidence, mail, findings)
    for (_, template, recipient), copies in sent.items():
        _judge_copies(evidence, template, recipient, copies, findings)
        _judge_redeliveries(evidence, template, recipient, copies, findings)
    _judge_twins(evidence, sent, findings)
    _judge_deliveries(evidence, mails, findings)
    return findings.result()


def _judge_copies(
    evidence: Evidence, template: str, recipient: str, copies: list[SmtpRecord], findings: Findings
) -> None:
    ids = {mail.message_id for mail in copies}
    findings.observe("mails delivered again by the protocol", len(copies) - len(ids))
    if len(ids) > 1:
        findings.damage(
            "mailed_twice",
            f"{len(ids)} different mails of template {template} to {recipient} about one event",
            undone=_all_past(evidence, copies),
            order_id=copies[-1].order_id,
            event_id=copies[-1].event_id,
            at=copies[-1].at,
            trace_id=copies[-1].trace_id,
            weight=len(ids),
        )


def _judge_redeliveries(
    evidence: Evidence, template: str, recipient: str, copies: list[SmtpRecord], findings: Findings
) -> None:
    """Each fault of the run may have cost one more answer of the mail server."""
    bound = 1 + REDELIVERIES_MAX + sum(fault.confirmed for fault in evidence.facts.faults)
    for message_id, count in Counter(mail.message_id for mail in copies).items():
        if count > bound:
            findings.damage(
                "redelivered_without_end",
                f"{recipient} got the {template} with Message-ID {message_id} {count} ×, at most {bound} are explained",
                undone=_all_past(evidence, copies),
                order_id=copies[-1].order_id,
                event_id=copies[-1].event_id,
                at=copies[-1].at,
                trace_id=copies[-1].trace_id,
                weight=count,
            )


def _judge_twins(evidence: Evidence, sent: dict[tuple[str, str, str], list[SmtpRecord]], findings: Findings) -> None:
    """The customer sees the same mail again, whatever event is said to be behind it."""
    twins: dict[tuple[str, str, str, str], dict[str, SmtpRecord]] = defaultdict(dict)
    for (event_id, template, recipient), copies in sent.items():
        mail = copies[0]
        if mail.order_id and mail.body_sha256:
            twins[mail.order_id, template, recipient, mail.body_sha256][event_id] = mail
    for (order_id, template, recipient, _), by_event in twins.items():
        excused = template in MAY_SOUND_ALIKE and by_event.keys() <= evidence.outbox_by_id.keys()
        if len(by_event) > 1 and not excused:
            newest = max(by_event.values(), key=lambda mail: mail.at)
            findings.damage(
                "same_mail_again",
                f"{recipient} got the same {template} {len(by_event)} ×, for different events",
                undone=_all_past(evidence, by_event.values()),
                order_id=order_id,
                event_id=newest.event_id,
                at=newest.at,
                weight=len(by_event),
            )


def _all_past(evidence: Evidence, copies: Iterable[SmtpRecord]) -> bool:
    return all(evidence.facts.is_past(mail.at) for mail in copies)


def _judge_content(evidence: Evidence, mail: SmtpRecord, findings: Findings) -> None:
    order = evidence.orders.get(mail.order_id)
    if order is None:
        return
    about: dict[str, Any] = {"order_id": order.id, "event_id": mail.event_id, "at": mail.at, "trace_id": mail.trace_id}
    strangers = [recipient for recipient in mail.recipients if recipient.lower() != order.email.lower()]
    if strangers:
        findings.violation("wrong_recipient", f"{mail.template} of this order went to {', '.join(strangers)}", **about)
    if mail.amount and minor_units(mail.amount, order.currency) not in _rightful_amounts(evidence, order):
        findings.violation(
            "wrong_amount",
            f"{mail.template} says {mail.amount}, the order is {money_text(order.total_minor, order.currency)}",
            **about,
        )


def _rightful_amounts(evidence: Evidence, order: OrderRow) -> set[int]:
    """Its total, a refund of it, and what had gone back of it at the time of some refund."""
    refunds = [row.amount_minor for row in evidence.audit.refunds if row.order_id == order.id]
    booked = [
        row
        for row in evidence.audit.ledger
        if row.order_id == order.id and row.account == SALES and row.kind == "refund"
    ]
    sums = accumulate(row.amount_minor for row in sorted(booked, key=lambda row: row.created_at))
    return {order.total_minor, order.refunded_minor, *refunds, *sums}


def _judge_deliveries(evidence: Evidence, mails: list[SmtpRecord], findings: Findings) -> None:
    mailed = {mail.message_id for mail in mails}
    messaged = {(line.kind, line.reference) for line in evidence.journals.sms}
    rows = evidence.audit.deliveries
    counts = Counter((row.event_id, row.template, row.recipient, row.channel) for row in rows)
    for row in rows:
        findings.check()
        if counts.pop((row.event_id, row.template, row.recipient, row.channel), 0) > 1:
            findings.violation(
                "two_deliveries_for_event",
                f"two deliveries of {row.template} to {row.recipient} are stored for one event",
                order_id=row.order_id,
                event_id=row.event_id,
            )
        if row.status != "sent":
            continue
        is_lost = row.channel == "email" and row.message_id and row.message_id not in mailed
        if is_lost or (row.channel in PHONES and (row.channel, row.id) not in messaged):
            findings.violation(
                "sent_but_never_arrived",
                f"{row.template} to {row.recipient} is marked sent, it never arrived",
                order_id=row.order_id,
                event_id=row.event_id,
                at=row.sent_at,
            )


CHECKER = Checker(
    id="INV-17",
    name="one-mail",
    statement="one message per event, template, recipient, channel; right recipient and amount; redelivery has a bound",
    witness="the mail catcher, the gateways to phones",
    needs=("notifications.deliveries", "orders.orders"),
    examine=examine,
)
