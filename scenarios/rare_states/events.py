"""Rare states of events and processes: what came twice or late, who died in the middle of something."""

from collections import Counter

from scenarios.evidence.bundle import Evidence
from scenarios.rare_states.faults import moments_of
from scenarios.rare_states.state import RareState
from shared.contracts import REGISTRY

ONE_BATCH_S = 0.02
"""Rows of one batch are ticked off within this time, in any order."""


def _sagas_at(evidence: Evidence, kind: str) -> int:
    return sum(
        saga.started_at <= at < (saga.ended_at or float("inf"))
        for at in moments_of(evidence, kind)
        for saga in evidence.audit.sagas
    )


def _read_again(evidence: Evidence) -> int:
    """Consumers led back over events that they had applied."""
    return sum(
        any(row.service == fault.target and row.applied_at < fault.at for row in evidence.audit.inbox)
        for fault in evidence.facts.faults
        if fault.confirmed and fault.name == "rewind"
    )


def _event_twice(evidence: Evidence) -> int:
    """By the coordinates on the broker: a tap that read twice has seen no duplicate."""
    copies = Counter(message.event_id for message in evidence.messages if message.event_id)
    return sum(count > 1 for count in copies.values())


def _events_reordered(evidence: Evidence) -> int:
    """Messages behind a newer version of their aggregate."""
    newest: dict[tuple[str, str], int] = {}
    count = 0
    for message in sorted(evidence.messages, key=lambda line: (line.topic, line.partition, line.offset)):
        subject = message.topic, message.aggregate_id
        count += message.aggregate_version < newest.get(subject, 0)
        newest[subject] = max(newest.get(subject, 0), message.aggregate_version)
    return count


def _former_versions(evidence: Evidence) -> int:
    """Events that somebody applied, and of which the broker has an older version first."""
    applied = {row.event_id for row in evidence.audit.inbox}
    newest_first = sorted(evidence.messages, key=lambda line: line.offset, reverse=True)
    first = {message.event_id: message for message in newest_first if message.event_id in applied}
    return sum(message.version < REGISTRY[message.type].schema_version for message in first.values())


def _committed_late(evidence: Evidence) -> int:
    """Outbox rows that were written before others of their service and sent well after them, or never."""
    count = 0
    later_sent: dict[str, float] = {}
    for row in sorted(evidence.audit.outbox, key=lambda row: row.created_at, reverse=True):
        sent_at = row.sent_at or float("inf")
        earliest = later_sent.get(row.service, float("inf"))
        count += earliest + ONE_BATCH_S < sent_at
        later_sent[row.service] = min(earliest, sent_at)
    return count


KILLED_IN_SAGA = RareState(
    "killed-in-saga", "sagas were running when a process was killed", lambda evidence: _sagas_at(evidence, "kill")
)
PAUSED_IN_SAGA = RareState(
    "paused-in-saga", "sagas were running when a process was stopped", lambda evidence: _sagas_at(evidence, "pause")
)
READ_AGAIN = RareState("read-again", "consumers were led back over events that they had applied", _read_again)
EVENT_TWICE = RareState("event-twice", "events lie on the broker more than once", _event_twice)
EVENTS_REORDERED = RareState("events-reordered", "events lie on the broker behind a newer one", _events_reordered)
FORMER_VERSION = RareState(
    "former-version", "events that were applied came as the release before told them", _former_versions
)
COMMITTED_LATE = RareState("committed-late", "events were seen by their relay behind later ones", _committed_late)
POISON_REFUSED = RareState(
    "poison-refused",
    "records that a fault made unreadable lie in dead letters",
    lambda evidence: len(
        {(row.topic, row.partition, row.offset_) for row in evidence.audit.dead_letters}
        & {(line.topic, line.partition, line.offset) for line in evidence.messages if line.is_of_fault}
    ),
)
LETTER_REDRIVEN = RareState(
    "letter-redriven",
    "dead letters were redriven",
    lambda evidence: sum(row.redriven_at is not None for row in evidence.audit.dead_letters),
)
