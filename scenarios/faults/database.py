"""What can happen to a service's database beside the network: too few connections, a locked table."""

import asyncpg

from compose.operator_error import OperatorError
from scenarios.faults.fault import FaultValue, Number
from scenarios.faults.sessions import end, hold, session_name, superuser
from scenarios.fleet import Fleet

LOCK_WAIT_MS = 5_000
LOOK_MS = 200


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


def _service(fleet: Fleet, name: str) -> str:
    if name not in fleet.declared:
        raise _unknown(fleet, name)
    return name


def _unknown(fleet: Fleet, target: str) -> OperatorError:
    return OperatorError(
        "database.unknown",
        f"There is no {target!r} in the databases.",
        mend=f"Name a service ({', '.join(fleet.declared)}), for a table-lock with its table: orders.outbox.",
        exit_code=2,
    )
