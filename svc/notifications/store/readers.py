"""Readers: what people said about how they want to be told."""

from typing import Any
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from svc.notifications.domain import ANYBODY, QuietHours, Reader, Refused

_COLUMNS = "locale, time_zone, phone, push_token, quiet_begins, quiet_ends, digest, refused, version"
_FIND = f"SELECT {_COLUMNS} FROM readers WHERE customer_id = $1"  # noqa: S608 constants
_PUT = """
    INSERT INTO readers (customer_id, locale, time_zone, phone, push_token, quiet_begins, quiet_ends, digest, refused,
                         version)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, 1
    WHERE $10::bigint = 0 OR EXISTS (SELECT FROM readers WHERE customer_id = $1)
    ON CONFLICT (customer_id) DO UPDATE SET
        locale = excluded.locale, time_zone = excluded.time_zone, phone = excluded.phone,
        push_token = excluded.push_token, quiet_begins = excluded.quiet_begins, quiet_ends = excluded.quiet_ends,
        digest = excluded.digest, refused = excluded.refused, version = readers.version + 1
    WHERE readers.version = $10
    RETURNING version
"""
_REFUSE = """
    INSERT INTO readers (customer_id, refused, version) VALUES ($1, $2, 1)
    ON CONFLICT (customer_id) DO UPDATE SET
        refused = ARRAY(SELECT DISTINCT unnest(readers.refused || excluded.refused)), version = readers.version + 1
    WHERE NOT readers.refused @> excluded.refused
"""


class StoredReader(msgspec.Struct, frozen=True):
    """A reader and the version of the row; 0 for who has not said anything."""

    reader: Reader
    version: int


async def find(connection: Connection, customer_id: UUID) -> StoredReader:
    """How the customer wants to be told."""
    row = await connection.fetchrow(_FIND, customer_id)
    return StoredReader(ANYBODY, 0) if row is None else StoredReader(_reader(row), row["version"])


async def put(connection: Connection, customer_id: UUID, reader: Reader, *, version: int) -> int | None:
    """Store the wishes of a reader whose row is at this version; gives the next one, None when it is at another."""
    quiet = reader.quiet_hours
    return await connection.fetchval(
        _PUT,
        customer_id,
        reader.locale,
        reader.time_zone,
        reader.phone,
        reader.push_token,
        quiet and quiet.begins,
        quiet and quiet.ends,
        reader.digest,
        [_stored(refused) for refused in sorted(reader.refused)],
        version,
    )


async def refuse(connection: Connection, customer_id: UUID, *refused: Refused) -> None:
    """The customer wants no more of this; a repeat changes nothing."""
    await connection.execute(_REFUSE, customer_id, [_stored(one) for one in refused])


def _reader(row: Any) -> Reader:
    begins, ends = row["quiet_begins"], row["quiet_ends"]
    return Reader(
        locale=row["locale"],
        time_zone=row["time_zone"],
        phone=row["phone"],
        push_token=row["push_token"],
        quiet_hours=None if begins is None else QuietHours(begins, ends),
        digest=row["digest"],
        refused=frozenset(_refused(text) for text in row["refused"]),
    )


def _stored(refused: Refused) -> str:
    return f"{refused.topic}:{refused.channel}"


def _refused(text: str) -> Refused:
    topic, channel = text.split(":")
    return msgspec.convert({"topic": topic, "channel": channel}, Refused)
