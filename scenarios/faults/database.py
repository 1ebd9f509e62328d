"""What can happen to a service's database beside the network: too few connections, a locked table, slow commits."""

from typing import Annotated, Final

import asyncpg
import msgspec

from compose.operator_error import OperatorError
from scenarios.faults.fault import FaultValue, Milliseconds, Number
from scenarios.faults.sessions import end, hold, plant_trigger, pull_trigger, session_name, superuser
from scenarios.fleet import Fleet

LOCK_WAIT_MS = 5_000
LOOK_MS = 200
SLOW: Final = "fault_slow_commits"


class PoolSqueeze(FaultValue, frozen=True, tag="pool-squeeze"):
    """The server grants a service no more than `connections`; those it has beyond that are ended."""

    connections: Number = 2

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        role = _service(fleet, self.target)
        async with superuser(fleet, "postgres") as connection:
            await connection.execute(f'ALTER ROLE "{role}" CONNECTION LIMIT {self.connections}')
            await connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM (SELECT pid FROM pg_stat_activity WHERE usename = $1 "
                "ORDER BY backend_start OFFSET $2) surplus",
                role,
                self.connections,
            )
            limit = await connection.fetchval("SELECT rolconnlimit FROM pg_roles WHERE rolname = $1", role)
            used = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE usename = $1", role)
        return limit == self.connections and used <= limit, f"{role} has {used} of {limit} connections"

    async def heal(self, fleet: Fleet) -> None:
        async with superuser(fleet, "postgres") as connection:
            await connection.execute(f'ALTER ROLE "{_service(fleet, self.target)}" CONNECTION LIMIT -1')


class TableLock(FaultValue, frozen=True, tag="table-lock"):
    """Somebody holds a table (`orders.saga` is table saga of the database of orders) in the strongest lock mode."""

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        service, _, table = self.target.partition(".")
        database = _service(fleet, service)
        async with superuser(fleet, database) as look:
            quoted = await look.fetchval("SELECT to_regclass($1)::text", table or "-")
            if quoted is None:
                raise _unknown(fleet, self.target)
            holder = await hold(fleet, database, name=session_name(self.name, self.target))
            await holder.execute(f"SET lock_timeout = {LOCK_WAIT_MS}; BEGIN")
            try:
                await holder.execute(f"LOCK TABLE {quoted} IN ACCESS EXCLUSIVE MODE")
                await look.execute(f"SET lock_timeout = {LOOK_MS}")
                await look.execute(f"SELECT 1 FROM {quoted} LIMIT 0")  # noqa: S608 -- quoted by the server
            except asyncpg.LockNotAvailableError:
                granted = await look.fetchval(
                    "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' "
                    "AND relation = to_regclass($1)",
                    quoted,
                )
                return granted > 0, f"{quoted} cannot be read within {LOOK_MS} ms"
        return False, f"{quoted} can be read"

    async def heal(self, fleet: Fleet) -> None:
        await end(fleet, name=session_name(self.name, self.target))


class SlowCommits(FaultValue, frozen=True, kw_only=True, tag="slow-commits"):
    """A service's transactions about every `one_in`-th aggregate commit so much later, as behind a busy replica.

    What others write meanwhile is seen before it, although it has higher positions in the outbox.
    """

    one_in: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 5
    later_ms: Milliseconds = 400

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        async with superuser(fleet, _service(fleet, self.target)) as connection:
            struck = f"mod(hashtext(NEW.aggregate_id)::bigint & 65535, {self.one_in}) = 0"
            await plant_trigger(
                connection,
                SLOW,
                on=f"BEFORE INSERT ON outbox WHEN ({struck})",
                body=f"PERFORM pg_sleep({self.later_ms / 1_000});",
            )
            took_ms = await self._probed(connection)
        return took_ms >= self.later_ms, f"an event of {self.target} was written in {took_ms:.0f} ms"

    async def _probed(self, connection: asyncpg.Connection) -> float:
        """How long an event of a slow aggregate takes, which is undone."""
        await connection.execute("BEGIN")
        started = await connection.fetchval("SELECT clock_timestamp()")
        await connection.execute(
            "INSERT INTO outbox (id, topic, type, aggregate_id, aggregate_version, payload) "
            "SELECT gen_random_uuid(), 'probe', 'probe', 'probe-' || n, 1, '' FROM generate_series(1, 10000) AS n "
            "WHERE mod(hashtext('probe-' || n)::bigint & 65535, $1) = 0 LIMIT 1",
            self.one_in,
        )
        ended = await connection.fetchval("SELECT clock_timestamp()")
        await connection.execute("ROLLBACK")
        return (ended - started).total_seconds() * 1_000

    async def heal(self, fleet: Fleet) -> None:
        async with superuser(fleet, _service(fleet, self.target)) as connection:
            await pull_trigger(connection, SLOW, table="outbox")


def _service(fleet: Fleet, name: str) -> str:
    if name not in fleet.declared:
        raise _unknown(fleet, name)
    return name


def _unknown(fleet: Fleet, target: str) -> OperatorError:
    return OperatorError(
        "database.unknown",
        f"There is no {target!r} in the databases.",
        mend=f"Name a service ({', '.join(fleet.declared)}), for a table-lock with its table: orders.outbox.",
    )
