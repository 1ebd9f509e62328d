"""Bringing outbox and broker together again, where a row was marked as sent too early or an event was sent past it.

For operators: an event that the broker lost is sent again, one that no row tells of is stored. Ids stay, so that
whoever has applied an event refuses it.
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
import structlog
from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from shared.contracts import REGISTRY, PoisonError, decode_data, decode_header
from shared.database import Database
from shared.errors import Kind, Refusal
from shared.identity import requires_role
from shared.unit_of_work import Connection

EVENTS_MAX = 1_000
BYTES_MAX = 900_000
"""Of the events of one request."""

_SEND_AGAIN = """
    WITH again AS (UPDATE outbox SET sent_at = NULL WHERE id = ANY($1::uuid[]) RETURNING id) SELECT count(*) FROM again
"""
_ADOPT = """
    WITH adopted AS (
        INSERT INTO outbox (id, topic, type, aggregate_id, aggregate_version, payload, sent_at)
        SELECT told.*, clock_timestamp()
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[]) told
        ON CONFLICT DO NOTHING RETURNING id
    ) SELECT count(*) FROM adopted
"""

log = structlog.get_logger(__name__)


class NotOurEvent(Refusal):
    """Bytes that are no event which this service publishes."""

    code = "not_our_event"
    kind = Kind.UNPROCESSABLE


async def send_again(connection: Connection, event_ids: Sequence[UUID]) -> int:
    """Let the relay send stored events once more; gives how many of them are stored."""
    known = await connection.fetchval(_SEND_AGAIN, list(event_ids))
    await connection.execute("SELECT pg_notify('outbox', '')")
    return int(known)


async def adopt(connection: Connection, service: str, payloads: Sequence[str]) -> int:
    """Store events as the broker has them, as sent; gives how many were new. Raises `NotOurEvent`.

    One whose id or whose aggregate's version is stored already changes nothing.
    """
    rows: list[tuple[UUID, str, str, str, int, str]] = []
    for payload in payloads:
        try:
            header = decode_header(payload.encode())
            event = REGISTRY.get(header.type)
            if event is None or event.topic.name != f"{service}.events":
                raise NotOurEvent(f"{service} publishes no {header.type}")
            decode_data(header, event)
        except PoisonError as error:
            raise NotOurEvent(str(error)) from error
        rows.append((header.id, event.topic.name, header.type, header.aggregate_id, header.aggregate_version, payload))
    return int(await connection.fetchval(_ADOPT, *(list(column) for column in zip(*rows, strict=True))))


class SendAgain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events that the broker does not have though they are marked as sent."""

    event_ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=EVENTS_MAX)]


class Adoption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events as they lie on the broker, byte for byte."""

    events: Annotated[list[str], msgspec.Meta(min_length=1, max_length=EVENTS_MAX)]


def outbox_routes(database: Database, service: str) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    """`/internal/outbox/send-again` and `/internal/outbox/adopt`; each changes nothing the second time."""
    guards = [requires_role("service")]

    @post("/internal/outbox/send-again", guards=guards, include_in_schema=False, status_code=200)
    async def again(data: JSONBody[SendAgain]) -> dict[str, int]:
        async with database.begin() as uow:
            events = await send_again(uow.connection, data.event_ids)
        log.info("events_sent_again", events=events, event_ids=[str(event_id) for event_id in data.event_ids])
        return {"events": events}

    @post("/internal/outbox/adopt", guards=guards, include_in_schema=False, status_code=200)
    async def adoption(data: JSONBody[Adoption]) -> dict[str, int]:
        async with database.begin() as uow:
            events = await adopt(uow.connection, service, data.events)
        log.info("events_adopted", events=events, asked=len(data.events))
        return {"events": events}

    return again, adoption
