"""Forgetting a person: rows keep their amounts and lose who it was, as soon as what they are for has ended.

A parcel still under way needs its address and an open order its mails; such rows are forgotten when they have ended.
"""

from collections.abc import Sequence

from shared.contracts import Envelope
from shared.contracts.auth import UserDeleted
from shared.contracts.values import ERASED
from shared.database import Database
from shared.periodic import Periodic
from shared.unit_of_work import UnitOfWork

LOOK_EVERY_S = 300.0


class Erasure:
    """Forgets people in one service's tables.

    Each statement forgets the ended rows of everybody in `erased_people`, and changes nothing a second time.
    """

    def __init__(self, database: Database, statements: Sequence[str]) -> None:
        self._database = database
        self._statements = statements

    async def forget(self, uow: UnitOfWork, envelope: Envelope[UserDeleted]) -> None:
        """The account is gone: forget what has ended, and remember to forget the rest."""
        await uow.connection.execute(
            "INSERT INTO erased_people (user_id) VALUES ($1) ON CONFLICT DO NOTHING", envelope.data.user_id
        )
        await self._scrub(uow)

    def job(self) -> Periodic:
        """Forgets what has ended since, and what came late."""

        async def look() -> int:
            async with self._database.begin() as uow:
                await self._scrub(uow)
            return 0

        return Periodic("forget_erased_people", LOOK_EVERY_S, look)

    async def _scrub(self, uow: UnitOfWork) -> None:
        for statement in self._statements:
            await uow.connection.execute(statement)


def erased_address(column: str) -> str:
    """The SQL of an address (jsonb) that keeps only its country, by which the tax was figured."""
    return (
        f"jsonb_build_object('name', '{ERASED}', 'line1', '{ERASED}', 'city', '{ERASED}', 'postal_code', '{ERASED}', "
        f"'country', {column} ->> 'country')"
    )
