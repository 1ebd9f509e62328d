"""Proof by password or code, for what a stolen session alone must not change."""

from uuid import UUID

from shared.database import Database
from svc.auth import handlers
from svc.auth.domain import InvalidCredentials, UnknownUser
from svc.auth.passwords import Passwords
from svc.auth.settings import Settings
from svc.auth.store import users
from svc.auth.store.users import Credentials


async def require_password(database: Database, passwords: Passwords, user_id: UUID, password: str) -> Credentials:
    """The account's credentials. Raises `UnknownUser`, `InvalidCredentials`, `HashingOverloaded`."""
    async with database.acquire() as connection:
        current = await users.credentials_of(connection, user_id)
    if current is None:
        raise UnknownUser("there is no such user")
    if not await passwords.verify(current.password_hash, password):
        raise InvalidCredentials("the password is wrong")
    return current


async def admit_code(database: Database, settings: Settings, user_id: UUID) -> None:
    """Count a code before it is looked at, whatever becomes of it. Raises `TooManyAttempts`."""
    async with database.begin() as uow:
        await handlers.admit_code(uow, settings, user_id)
