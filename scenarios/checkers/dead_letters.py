"""INV-18: what cannot be applied lies in the dead letters once, with its reason, and holds nobody else up.

The witness is the broker as the tap read it. A redriven letter was applied; what merely waits behind another is parked.
A record of a fault says in its headers why it must be refused, and each that had to is asked for it; what the fleet
itself published does not stay there. What payments misread as an order is undone when its payment was annulled.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import DeadLetterRow
from scenarios.world.journals import REASON_HEADER, TapRecord
from shared.contracts import REGISTRY

UNDECODABLE = "undecodable"
PAYMENTS = "payments"
BEHIND_S_MAX = 60.0
"""How long healthy events behind a letter may take, on top of what faults took."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    letters = evidence.audit.dead_letters
    findings.require(evidence.audit.inbox or letters, "no consumer applied or refused anything")
    findings.check(len(evidence.audit.inbox) + len(letters))
    findings.observe("dead letters", len(letters))
    _judge_letters(evidence, findings)
    _judge_poison(evidence, findings)
    _judge_refusals(evidence, findings)
    _judge_left(evidence, findings)
    for letter in letters:
        if not letter.parked:
            _judge_behind(evidence, letter, findings)
    return findings.result()


def _judge_letters(evidence: Evidence, findings: Findings) -> None:
    places = {(message.topic, message.partition, message.offset) for message in evidence.messages}
    applied = {(row.consumer, row.event_id) for row in evidence.audit.inbox}
    copies = Counter(_place(letter) for letter in evidence.audit.dead_letters)
    for letter in evidence.audit.dead_letters:
        kind = message = ""
        if copies.pop(_place(letter), 1) > 1:
            kind, message = "buried_twice", "lies there more than once"
        elif not letter.reason or not (letter.parked or letter.attempts):
            kind, message = "buried_without_reason", "says neither why nor after how many attempts"
        elif (letter.topic, letter.partition, letter.offset_) not in places:
            kind, message = "buried_from_nowhere", "is no record of the broker"
        elif letter.redriven_at is not None and letter.event_id and (letter.consumer, letter.event_id) not in applied:
            kind, message = "redriven_not_applied", "was redriven and took no effect"
        if kind:
            findings.violation(kind, f"{_said(letter)} {message}", event_id=letter.event_id, at=letter.created_at)


def _judge_poison(evidence: Evidence, findings: Findings) -> None:
    """A record that nobody can read, of a topic that somebody reads, is buried once everything has come to rest."""
    read = {REGISTRY[kind].topic.name for types in evidence.facts.subscriptions.values() for kind in types}
    buried = {(letter.topic, letter.partition, letter.offset_) for letter in evidence.audit.dead_letters}
    for message in evidence.messages:
        if not message.undecodable or message.topic not in read:
            continue
        findings.check()
        place = message.topic, message.partition, message.offset
        if place not in buried and evidence.facts.quiesced_at is not None:
            findings.violation("poison_not_buried", f"{message.place} cannot be read and lies nowhere", at=message.at)


def _judge_refusals(evidence: Evidence, findings: Findings) -> None:
    """A second copy of a poison waits behind the first, for another reason."""
    letters = {_place(letter): letter for letter in evidence.audit.dead_letters}
    annulled = {(PAYMENTS, row.event_id) for row in evidence.annulled.values()}
    for record in evidence.messages:
        if not record.is_of_fault:
            continue
        reason = record.headers[REASON_HEADER]
        for consumer in refusing(evidence.facts.subscriptions, record):
            findings.check()
            letter = letters.get((consumer, record.topic, record.partition, record.offset))
            if letter is None:
                findings.damage(
                    "poison_not_set_aside",
                    f"{consumer} has no letter of {record.place}, which is {reason}",
                    undone=(consumer, record.event_id) in annulled,
                    at=record.timestamp_ms / 1000,
                )
            elif letter.reason != reason and not letter.parked:
                findings.violation(
                    "poison_for_another_reason",
                    f"{_said(letter)} says {letter.reason}, it is {reason}",
                    at=letter.created_at,
                )


def refusing(subscriptions: Mapping[str, Sequence[str]], record: TapRecord) -> list[str]:
    """Who must refuse a fault's record: of what is no envelope everybody who reads the topic, else the subscribers."""

    def meets(types: Sequence[str]) -> bool:
        reads_it = any(REGISTRY[kind].topic.name == record.topic for kind in types)
        return reads_it and (record.headers[REASON_HEADER] == UNDECODABLE or record.type in types)

    return [consumer for consumer, types in subscriptions.items() if meets(types)]


def _judge_left(evidence: Evidence, findings: Findings) -> None:
    """What is about the payment of an order that never was stays there once that was annulled: nobody can apply it."""
    annulled = {row.payment_id for row in evidence.annulled.values()}
    for letter in evidence.audit.dead_letters:
        event = evidence.outbox_by_id.get(letter.event_id)
        if event is not None and letter.redriven_at is None:
            findings.damage(
                "event_left_dead",
                f"{_said(letter)} is {event.type}, which the fleet published, and was never redriven",
                undone=event.aggregate_id in annulled,
                event_id=letter.event_id,
                order_id=event.aggregate_id,
                at=letter.created_at,
            )


def _judge_behind(evidence: Evidence, letter: DeadLetterRow, findings: Findings) -> None:
    """What was redriven itself came when somebody asked for it."""
    redriven = {row.event_id for row in evidence.audit.dead_letters if row.consumer == letter.consumer}
    applied = {
        row.event_id: row.applied_at
        for row in evidence.audit.inbox
        if row.consumer == letter.consumer and row.event_id not in redriven
    }
    healed = [fault.healed_at or 0.0 for fault in evidence.facts.faults]
    for message in evidence.messages:
        behind = (message.topic, message.partition) == (letter.topic, letter.partition) and (
            message.offset > letter.offset_
        )
        if not behind or message.event_id not in applied:
            continue
        findings.check()
        at = applied[message.event_id]
        free_at = max([message.timestamp_ms / 1000, letter.created_at, *(one for one in healed if one < at)])
        if at - free_at > BEHIND_S_MAX:
            findings.damage(
                "held_up_behind",
                f"{letter.consumer} took {at - free_at:.0f} s for {message.place}, behind {_said(letter)}",
                undone=True,
                event_id=message.event_id,
                order_id=message.order_id,
                at=at,
            )


def _place(letter: DeadLetterRow) -> tuple[str, str, int, int]:
    return letter.consumer, letter.topic, letter.partition, letter.offset_


def _said(letter: DeadLetterRow) -> str:
    return f"{letter.consumer}'s letter of {letter.topic}/{letter.partition}@{letter.offset_}"


CHECKER = Checker(
    id="INV-18",
    name="dead-letters",
    statement="each poison is there once with its reason; healthy events behind it are applied in time; what was "
    "redriven took effect",
    witness="dead letters × inboxes × tap",
    needs=("orders.dead_letters", "inventory.dead_letters", "payments.dead_letters", "analytics.dead_letters"),
    examine=examine,
)
