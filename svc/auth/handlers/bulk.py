"""Thousands of accounts at once, for seeding a shop and equipping the buyers of a drill."""

from collections.abc import Sequence
from uuid import UUID

from shared.unit_of_work import UnitOfWork
from svc.auth.domain import Account, UnknownUser
from svc.auth.store import security_events, sessions, users
from svc.auth.store.users import SeedUser


async def import_users(uow: UnitOfWork, seeds: Sequence[SeedUser], *, actor: str) -> tuple[int, list[UUID]]:
    """Store imported users; those whose address exists stay as they are. Returns how many are new, and all ids.

    No user.registered is published for them: nobody registered, and ten thousand welcome mails would be sent.
    """
    created = await users.import_users(uow.connection, seeds)
    await security_events.record(
        uow.connection, "users_imported", actor, f"created={created} known={len(seeds) - created}"
    )
    ids = await users.ids_of(uow.connection, [seed.email for seed in seeds])
    return created, [ids[seed.email] for seed in seeds]


async def issue_sessions(
    uow: UnitOfWork, user_ids: Sequence[UUID], *, ttl_s: int, actor: str
) -> list[tuple[Account, UUID]]:
    """A session without a refresh token for each user, in the order asked for. Raises `UnknownUser`."""
    accounts = await users.accounts(uow.connection, user_ids)
    missing = next((user_id for user_id in user_ids if user_id not in accounts), None)
    if missing is not None:
        raise UnknownUser("not every subject is an active user", user_id=str(missing))
    session_ids = await sessions.issue_sessions(uow.connection, user_ids, ttl_s=ttl_s)
    await security_events.record(
        uow.connection, "tokens_issued", actor, f"subjects={len(user_ids)} ttl_s={ttl_s} first={user_ids[0]}"
    )
    return [(accounts[user_id], session_id) for user_id, session_id in zip(user_ids, session_ids, strict=True)]
