"""Which rows of the figures are shown, which a rebuild fills beside them, and how far the log was pruned.

Rows belong to a generation. Reports show the current one. Generation BASE holds what the events of pruned days said; a
rebuild begins with a copy of it.
"""

from datetime import date, datetime

import msgspec

from shared.unit_of_work import Connection

PROJECTOR_LOCK = 7_261_101
BASE = 0


class Generations(msgspec.Struct, frozen=True):
    """How the figures stand.

    `built_to` is the highest position that the rebuild has read, after it has copied the base (`based`); rows older
    than `oldest` are all deleted. Of the day `pruning` the base holds the events up to `pruned_to`.
    """

    current: int
    building: int | None
    built_to: int
    oldest: int
    based: bool
    pruning: date | None
    pruned_to: int


async def lock_projector(connection: Connection) -> bool:
    """Be the only projector until the transaction ends; False when another one is."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", PROJECTOR_LOCK))


async def read(connection: Connection) -> Generations:
    """How the figures stand; whoever projects asks with its lock in hand."""
    row = await connection.fetchrow(
        "SELECT current, building, built_to, oldest, based, pruning, pruned_to FROM generations"
    )
    assert row is not None
    return Generations(*row)


async def open_generation(connection: Connection) -> None:
    """Let the next generation be built, from the first event on; one that is being built goes on.

    A new one gives refused events another chance.
    """
    begun = await connection.fetchval(
        "UPDATE generations SET building = current + 1, built_to = 0, based = false WHERE building IS NULL "
        "RETURNING true"
    )
    if begun:
        await connection.execute("UPDATE unprojected SET refused = NULL WHERE refused IS NOT NULL")


async def counted(connection: Connection, *, until: datetime) -> None:
    """The current figures hold an event of this moment."""
    await connection.execute("UPDATE generations SET counted_at = GREATEST(counted_at, $1)", until)


async def based(connection: Connection) -> None:
    """The generation being built holds all that the pruned events said."""
    await connection.execute("UPDATE generations SET based = true")


async def built(connection: Connection, *, to: int) -> None:
    """The generation being built holds every projected event up to this position."""
    await connection.execute("UPDATE generations SET built_to = $1", to)


async def put_in_use(connection: Connection, generation: int) -> None:
    """Reports show the generation that was built, from this commit on."""
    await connection.execute(
        "UPDATE generations SET current = $1, building = NULL, built_to = 0, based = false", generation
    )


async def swept(connection: Connection, generation: int) -> None:
    """No row but the base's is older than this generation."""
    await connection.execute("UPDATE generations SET oldest = $1", generation)


async def pruned(connection: Connection, day: date | None, *, to: int = 0) -> None:
    """The base holds the events of this day up to a position; None when no day is being pruned."""
    await connection.execute("UPDATE generations SET pruning = $1, pruned_to = $2", day, to)
