"""The statements of every table that holds work: claim, retry, doubt, review, halt.

Such a table has, beside its own columns: `due_at` (not worked on before; during an attempt the end of the lease),
`surprises` (attempts that ended in an exception nobody foresaw), `review` (why a person must look; null for most), and
where an attempt calls somebody else `attempts` and `unknown_since`, and a column that says how the call stands.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import asyncpg
import msgspec
import structlog

from shared.unit_of_work import Connection

T = TypeVar("T")

log = structlog.get_logger(__name__)


class CallColumn(msgspec.Struct, frozen=True):
    """The column that tells how the call to the outside stands, and its three words."""

    name: str
    idle: str
    under_way: str
    unknown: str


class Claimed(msgspec.Struct, Generic[T], frozen=True):
    """An item that is ours until its lease ends."""

    key: Any
    item: T


class WorkTable(Generic[T]):
    """One table of work. `is_open` is the SQL condition under which a row is work; `read` makes an item of a row.

    Without a `call` column every attempt may be repeated as it is, since it changes nothing outside the database.
    All parts are constants of the store that declares the table, never input.
    """

    def __init__(
        self,
        name: str,
        *,
        key: str,
        is_open: str,
        columns: str,
        read: Callable[[asyncpg.Record], T],
        call: CallColumn | None = None,
    ) -> None:
        self.name = name
        self._key = key
        self._read = read
        self._call = call
        self._open = is_open
        self._claim = f"""
            WITH due AS (
                SELECT {key} FROM {name} WHERE {is_open} AND due_at <= clock_timestamp()
                ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            UPDATE {name} SET {_claiming(call)} due_at = clock_timestamp() + make_interval(secs => $2)
            WHERE {key} IN (SELECT {key} FROM due)
            RETURNING {columns}
        """  # noqa: S608 constants
        self._look = f"""
            SELECT true FROM {name} WHERE {is_open} AND due_at <= clock_timestamp() ORDER BY due_at LIMIT 1
        """  # noqa: S608 constants

    async def is_due(self, connection: Connection) -> bool:
        """Whether there is something to claim, by one read outside of any transaction."""
        return await connection.fetchval(self._look) is not None

    async def claim(self, connection: Connection, *, rows_max: int, lease_s: float) -> list[Claimed[T]]:
        """Take due items for the length of the lease; one whose holder died comes back with its call unknown.

        A row that cannot be read is halted here, so that it keeps nobody else's from being claimed.
        """
        claimed: list[Claimed[T]] = []
        for row in await connection.fetch(self._claim, rows_max, lease_s):
            try:
                claimed.append(Claimed(row[self._key], self._read(row)))
            except Exception as error:
                log.exception("work_unreadable", table=self.name, key=row[self._key])
                await self.halt(connection, row[self._key], f"unreadable: {error!r}")
        return claimed

    async def retry(self, connection: Connection, key: object, *, delay_s: float) -> bool:
        """The attempt certainly had no effect: make it again after the delay. False when the item is no longer open."""
        assert self._call is not None
        return await self._change(
            connection,
            f"{self._call.name} = '{self._call.idle}', unknown_since = NULL, {_DUE_IN}",
            key,
            delay_s,
        )

    async def doubt(self, connection: Connection, key: object, *, delay_s: float) -> bool:
        """Nobody knows what the attempt did: ask after the delay. False when the item is no longer open."""
        assert self._call is not None
        return await self._change(
            connection,
            f"{self._call.name} = '{self._call.unknown}', "
            f"unknown_since = coalesce(unknown_since, clock_timestamp()), {_DUE_IN}",
            key,
            delay_s,
        )

    async def doubt_age_s(self, connection: Connection, key: object) -> float:
        """How long the outcome of the call has been unknown, in seconds."""
        age_s = await connection.fetchval(
            f"SELECT extract(epoch FROM clock_timestamp() - unknown_since)::float8 FROM {self.name} "  # noqa: S608 constants
            f"WHERE {self._key} = $1",
            key,
        )
        return age_s or 0.0

    async def mark_for_review(self, connection: Connection, key: object, reason: str) -> None:
        """A person must look; the first reason stays. Work on it goes on."""
        await connection.execute(
            f"UPDATE {self.name} SET review = coalesce(review, $2) WHERE {self._key} = $1",  # noqa: S608 constants
            key,
            reason,
        )

    async def halt(self, connection: Connection, key: object, reason: str) -> bool:
        """A person must look, and nobody works on it until then. False when the item is no longer open."""
        return await self._change(connection, "review = coalesce(review, $2), due_at = 'infinity'", key, reason)

    async def postpone(self, connection: Connection, key: object, *, delay_s: float) -> bool:
        """Not before the delay is over. False when the item is no longer open."""
        return await self._change(connection, _DUE_IN, key, delay_s)

    async def release(self, connection: Connection, keys: Sequence[object]) -> None:
        """Give claimed items back undone: they are due at once."""
        await connection.execute(
            f"UPDATE {self.name} SET due_at = clock_timestamp() WHERE {self._key} = ANY($1) AND {self._open}",  # noqa: S608 constants
            list(keys),
        )

    async def note_surprise(self, connection: Connection, key: object) -> int:
        """An attempt ended in an exception nobody foresaw; gives how many of the item did so far."""
        surprises = await connection.fetchval(
            f"UPDATE {self.name} SET surprises = surprises + 1 WHERE {self._key} = $1 RETURNING surprises",  # noqa: S608 constants
            key,
        )
        return surprises or 0

    async def _change(self, connection: Connection, assignments: str, key: object, value: object) -> bool:
        changed = await connection.fetchval(
            f"UPDATE {self.name} SET {assignments} WHERE {self._key} = $1 AND {self._open} RETURNING true",  # noqa: S608 constants
            key,
            value,
        )
        return changed is not None


_DUE_IN = "due_at = clock_timestamp() + make_interval(secs => $2)"


def _claiming(call: CallColumn | None) -> str:
    if call is None:
        return ""
    is_idle = f"CASE WHEN {call.name} = '{call.idle}' THEN"
    return f"""
        {call.name} = {is_idle} '{call.under_way}' ELSE '{call.unknown}' END,
        attempts = attempts + {is_idle} 1 ELSE 0 END,
        unknown_since = {is_idle} NULL ELSE coalesce(unknown_since, clock_timestamp()) END,
    """
