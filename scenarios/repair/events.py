"""`repair events`: what consumers never applied though it was published, by the broker as the tap read it.

The rule: an event that a subscriber has neither in its inbox nor in its open dead letters is read again, from the first
such event of a topic on; inboxes refuse what they know. Letters of real events are redriven; poison stays for people,
and one that a subscriber should have set aside and did not is read again as well.
What is marked as sent and never reached the broker its publisher sends once more, under its own id; what went past the
outbox it stores as the broker has it. What payments misread as an order that nobody placed is paid back.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from scenarios.checkers.dead_letters import PAYMENTS, refusing
from scenarios.evidence import AuditTables
from scenarios.evidence.rows import OutboxRow
from scenarios.faults.events import Rewind, last_records
from scenarios.fleet import Fleet
from scenarios.quiescence import Quiescence, quiesce
from scenarios.snapshots import take_snapshots
from scenarios.world.journals import TAP_JOURNAL, TapRecord, iterate
from shared.contracts import EVENT_TOPICS, REGISTRY

QUIESCE_S = 120.0
ROUNDS_MAX = 3
RECORDS_MAX = 100_000
"""How far back a consumer is led at most, per partition."""
SENT_AT_ONCE_MAX = 1_000
STORED_AT_ONCE_MAX = 200
ROWS_KEPT_S = 23 * 3600.0
"""Less than outboxes keep what they sent."""
PUBLISHERS: Final = {topic.name: topic.name.partition(".")[0] for topic in EVENT_TOPICS}
"""The one service that publishes to each topic."""


class Missing(msgspec.Struct, frozen=True):
    """An event that a consumer never applied; `publisher` is who has it in its outbox."""

    event_id: str
    type: str
    aggregate_id: str
    publisher: str


class ConsumerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one consumer needs; `rewind` is, by topic, how many records it goes back in each partition.

    `poison` are places of records that it has to refuse and has no open letter of.
    """

    consumer: str
    missing: tuple[Missing, ...] = ()
    poison: tuple[str, ...] = ()
    rewind: dict[str, int] = {}
    letters: int = 0


class Untold(msgspec.Struct, frozen=True):
    """An event that the broker has at this place and no outbox row tells of; `publisher` is who sent it."""

    event_id: str
    type: str
    aggregate_id: str
    publisher: str
    topic: str
    partition: int
    offset: int


class Misread(msgspec.Struct, frozen=True):
    """An event that a consumer applied and had to refuse, and the order that it made of it, which nobody placed."""

    consumer: str
    event_id: str
    order_id: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to be done. `unsent` are events marked as sent that the broker does not have, `untold` those that it
    has and no row tells of, `misread` those whose payment is to be annulled.
    """

    consumers: tuple[ConsumerPlan, ...]
    unsent: tuple[Missing, ...] = ()
    untold: tuple[Untold, ...] = ()
    misread: tuple[Misread, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the fleet needs no repair of this kind."""
        return not (self.consumers or self.unsent or self.untold or self.misread)


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair did in all its rounds, how the fleet came to rest after the last, and what is left to do."""

    rounds: int
    sent: int
    stored: int
    annulled: int
    applied: int
    redriven: int
    quiescence: Quiescence
    left: Plan


def plan(audit: AuditTables, records: Iterable[TapRecord], subscriptions: Mapping[str, Sequence[str]]) -> Plan:
    """What outboxes, inboxes, dead letters and the broker say is missing. Pure."""
    records = list(records)
    first, ends = _places(records)
    applied = {(row.consumer, row.event_id) for row in audit.inbox}
    open_letters = [row for row in audit.dead_letters if row.redriven_at is None]
    buried = {(row.consumer, row.event_id) for row in open_letters}
    decided = applied | buried
    set_aside = {(row.consumer, row.topic, row.partition, row.offset_) for row in open_letters}
    poison = _poison(records, subscriptions)
    annulled = {row.payment_id for row in audit.annulments}
    for_nobody = {row.id for row in audit.outbox if row.aggregate_id in annulled}
    published = {row.id for row in audit.outbox} - for_nobody
    unsent = tuple(_missing(row) for row in audit.outbox if row.id not in first and row.sent_at is not None)
    plans: list[ConsumerPlan] = []
    for consumer, types in sorted(subscriptions.items()):
        lost = [
            row for row in audit.outbox if row.type in types and row.id in first and (consumer, row.id) not in decided
        ]
        swallowed = [
            record
            for record in poison[consumer]
            if (consumer, record.topic, record.partition, record.offset) not in set_aside
            and (consumer, record.event_id) not in applied
        ]
        letters = sum(owner == consumer and event_id in published for owner, event_id in buried)
        if lost or swallowed or letters:
            places = [(row.topic, *first[row.id]) for row in lost]
            places += [(record.topic, record.partition, record.offset) for record in swallowed]
            plans.append(
                ConsumerPlan(
                    consumer=consumer,
                    missing=tuple(_missing(row) for row in lost),
                    poison=tuple(record.place for record in swallowed),
                    rewind=_back(places, ends),
                    letters=letters,
                )
            )
    return Plan(consumers=tuple(plans), unsent=unsent, untold=_untold(audit, records), misread=_misread(audit, poison))


def _misread(audit: AuditTables, poison: Mapping[str, Sequence[TapRecord]]) -> tuple[Misread, ...]:
    """What payments took for orders: applied poison, with a payment that is neither an order's nor annulled."""
    applied = {row.event_id for row in audit.inbox if row.consumer == PAYMENTS}
    orders = {row.id for row in audit.orders} | {row.order_id for row in audit.sagas}
    annulled = {row.payment_id for row in audit.annulments}
    ghosts = {row.order_id for row in audit.payments if row.order_id not in orders and row.id not in annulled}
    found = (
        Misread(PAYMENTS, record.event_id, record.order_id)
        for record in poison[PAYMENTS]
        if record.event_id in applied and record.order_id in ghosts
    )
    return tuple(dict.fromkeys(found))


def _untold(audit: AuditTables, records: Sequence[TapRecord]) -> tuple[Untold, ...]:
    """What the fleet sent past its outboxes, but for copies that say what a row says, as far back as rows are kept."""
    stored = {row.id for row in audit.outbox}
    said = {(row.topic, row.type, row.aggregate_id, row.aggregate_version) for row in audit.outbox}
    kept_since_ms = max((record.timestamp_ms for record in records), default=0) - ROWS_KEPT_S * 1000
    found: dict[str, Untold] = {}
    for record in records:
        publisher = PUBLISHERS.get(record.topic)
        telling = (record.topic, record.type, record.aggregate_id, record.aggregate_version)
        if publisher is None or record.is_of_fault or not record.event_id or record.kind == "rewound":
            continue
        if record.type not in REGISTRY or record.version > REGISTRY[record.type].schema_version:
            continue  # a copy of poison, which no service of this release can have published
        if record.event_id not in stored and telling not in said and record.timestamp_ms >= kept_since_ms:
            found.setdefault(
                record.event_id,
                Untold(
                    record.event_id,
                    record.type,
                    record.aggregate_id,
                    publisher,
                    record.topic,
                    record.partition,
                    record.offset,
                ),
            )
    return tuple(found.values())


def _poison(records: Iterable[TapRecord], subscriptions: Mapping[str, Sequence[str]]) -> dict[str, list[TapRecord]]:
    """By consumer, the records of faults that it has to refuse."""
    found: dict[str, list[TapRecord]] = defaultdict(list)
    for record in records:
        if record.is_of_fault:
            for consumer in refusing(subscriptions, record):
                found[consumer].append(record)
    return found


def _back(places: Iterable[tuple[str, int, int]], ends: Mapping[tuple[str, int], int]) -> dict[str, int]:
    """By topic, how far the farthest of the places lies behind the end of its partition."""
    back: dict[str, int] = defaultdict(int)
    for topic, partition, offset in places:
        back[topic] = max(back[topic], min(RECORDS_MAX, ends[topic, partition] - offset))
    return dict(back)


async def look(fleet: Fleet) -> Plan:
    """The plan for the fleet as it stands."""
    snapshots = await take_snapshots(fleet.audit_urls())
    return plan(snapshots.tables, await asyncio.to_thread(_tapped, fleet.layout.world), fleet.subscriptions())


async def apply(fleet: Fleet, planned: Plan, *, since: float) -> Repaired:
    """Send, redrive and read again, until nothing is left; at most ROUNDS_MAX times.

    Effects stay single: events keep their ids, and who has applied one refuses it. `since` (epoch seconds) bounds the
    work to wait for.
    """
    left, rounds, redriven, stored, annulled = planned, 0, 0, 0, 0
    sent: set[str] = set()
    while True:
        rounds += 1
        sent |= await _send_again(fleet, left.unsent)
        stored += await _store(fleet, left.untold)
        annulled += await _annul(fleet, left.misread)
        for one in left.consumers:
            if one.letters:
                answer = await fleet.call(one.consumer, "POST", "/internal/dead-letters/redrive")
                redriven += answer["applied"]
            for topic, records in one.rewind.items():
                await Rewind(one.consumer, records_max=records, topic=topic).bite(fleet)
        rest = await quiesce(fleet, since=since, deadline_s=QUIESCE_S)
        left = await look(fleet)
        if left.empty or rounds == ROUNDS_MAX:
            break
    return Repaired(
        rounds=rounds,
        sent=len(sent),
        stored=stored,
        annulled=annulled,
        applied=_count(planned) - _count(left),
        redriven=redriven,
        quiescence=rest,
        left=left,
    )


async def _send_again(fleet: Fleet, unsent: Iterable[Missing]) -> set[str]:
    """Ask each publisher for its events; gives their ids."""
    by_publisher: dict[str, list[str]] = defaultdict(list)
    for event in unsent:
        by_publisher[event.publisher].append(event.event_id)
    for publisher, event_ids in by_publisher.items():
        for start in range(0, len(event_ids), SENT_AT_ONCE_MAX):
            some = event_ids[start : start + SENT_AT_ONCE_MAX]
            await fleet.call(publisher, "POST", "/internal/outbox/send-again", json={"event_ids": some})
    return {event_id for event_ids in by_publisher.values() for event_id in event_ids}


async def _store(fleet: Fleet, untold: Sequence[Untold]) -> int:
    """Have each publisher store what it sent past its outbox, read from the broker itself; gives how many it stored."""
    stored = 0
    for topic in sorted({event.topic for event in untold}):
        places = {(event.partition, event.offset) for event in untold if event.topic == topic}
        records = await last_records(fleet, topic, RECORDS_MAX)
        events = [
            record.value.decode()
            for record in records
            if (record.partition, record.offset) in places and record.value is not None
        ]
        for start in range(0, len(events), STORED_AT_ONCE_MAX):
            some = {"events": events[start : start + STORED_AT_ONCE_MAX]}
            answer = await fleet.call(PUBLISHERS[topic], "POST", "/internal/outbox/adopt", json=some)
            stored += answer["events"]
    return stored


async def _annul(fleet: Fleet, misread: Sequence[Misread]) -> int:
    """Have what was captured for orders that never were paid back; gives of how many there was something."""
    answers = [
        await fleet.call(
            one.consumer, "POST", f"/internal/payments/{one.order_id}/annulment", json={"event_id": one.event_id}
        )
        for one in misread
    ]
    return sum(answer["given_back_minor"] > 0 for answer in answers)


def _count(planned: Plan) -> int:
    return sum(len(one.missing) for one in planned.consumers)


def _missing(row: OutboxRow) -> Missing:
    return Missing(row.id, row.type, row.aggregate_id, row.service)


def _places(records: Iterable[TapRecord]) -> tuple[dict[str, tuple[int, int]], dict[tuple[str, int], int]]:
    """By event its first partition and offset; by partition the offset behind its last record."""
    first: dict[str, tuple[int, int]] = {}
    ends: dict[tuple[str, int], int] = defaultdict(int)
    for record in records:
        if record.kind == "rewound":
            continue
        ends[record.topic, record.partition] = max(ends[record.topic, record.partition], record.offset + 1)
        known = first.get(record.event_id)
        if known is None or record.offset < known[1]:
            first[record.event_id] = record.partition, record.offset
    return first, ends


def _tapped(world: Path) -> list[TapRecord]:
    return list(iterate(world / TAP_JOURNAL, TapRecord))
