"""Periodic work of auth."""

from redis.asyncio import Redis

from shared.clock import Clock
from shared.database import Database
from shared.periodic import Periodic
from shared.unit_of_work import UnitOfWork
from shared.work_table import Pace, Verdict, WorkEngine
from svc.auth import handlers
from svc.auth.domain import Request
from svc.auth.keys import KeyRing
from svc.auth.settings import Settings
from svc.auth.store import attempts, letter_requests, revocations, sessions

ANNOUNCE_EVERY_S = 0.25
ROTATE_EVERY_S = 30.0
PRUNE_EVERY_S = 300.0
LETTERS_PACE = Pace(at_once_max=4, lease_s=5.0, poll_s=0.5)


class LetterWriter(WorkEngine[Request, Request]):
    """Decides what the addresses are told that people asked letters for."""

    def __init__(self, database: Database) -> None:
        super().__init__("write_letters", database, letter_requests.WORK, LETTERS_PACE)

    async def perform(self, item: Request) -> Request:
        """Nothing to do outside of the transaction."""
        return item

    async def record(self, uow: UnitOfWork, item: Request, outcome: Request) -> Verdict:
        del outcome
        await handlers.write_letter(uow, item)
        return Verdict.DONE


def announcer(database: Database, redis: Redis, settings: Settings, clock: Clock) -> Periodic:
    """Tells the gateways of ended sessions and keys; with their half second this bounds a logout at one second."""

    async def announce() -> int:
        async with database.acquire() as connection:
            ended = await revocations.unannounced(connection)
        if not ended:
            return 0
        # announced before it is marked so: a crash in between repeats it
        await handlers.announce_revocations(ended, redis, settings.prefix, clock=clock)
        async with database.begin() as uow:
            await revocations.mark_announced(uow.connection, ended)
        return len(ended)

    return Periodic("announce_revocations", ANNOUNCE_EVERY_S, announce)


def rotator(database: Database, ring: KeyRing) -> Periodic:
    """Follows the signing key when its time has come."""

    async def rotate() -> int:
        async with database.begin() as uow:
            return await ring.rotate_when_due(uow.connection)

    return Periodic("rotate_keys", ROTATE_EVERY_S, rotate)


def pruner(database: Database, settings: Settings) -> Periodic:
    """Forgets what is over: expired sessions, quiet back-off scopes, letters that nobody used."""

    async def prune() -> int:
        async with database.begin() as uow:
            await attempts.prune(
                uow.connection, forget_s=settings.throttle_forget_s, code_forget_s=settings.throttle_code_forget_s
            )
            return await sessions.prune(uow.connection) + await handlers.forget_lapsed(uow)

    return Periodic("prune_sessions", PRUNE_EVERY_S, prune)
