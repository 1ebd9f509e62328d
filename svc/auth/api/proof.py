"""Proof by password again, for what a stolen session alone must not change."""

from uuid import UUID

from shared.database import Database
from svc.auth.domain import InvalidCredentials, UnknownUser
from svc.auth.passwords import Passwords
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
