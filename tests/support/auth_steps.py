"""What tests of auth and of the gateway do again and again with accounts."""

import json
import uuid
from base64 import urlsafe_b64decode
from contextlib import asynccontextmanager
from typing import Any

from shared.database import Database
from shared.identity import Principal
from tests.support.services import served

WEAK_HASHING = {"argon2_memory_kib": 8, "argon2_passes": 1}
PASSWORD = "correct horse battery"


def auth_served(engines, prefix, **overrides):
    """The auth service with cheap hashing."""
    return served(engines, "auth", prefix=prefix, **{**WEAK_HASHING, **overrides})


def new_email() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.com"


async def register(auth, email=None, password=PASSWORD, name="Ada"):
    email = email or new_email()
    status, body = await auth.call(
        "POST", "/api/v1/auth/register", anonymous=True, json={"email": email, "password": password, "name": name}
    )
    assert status == 201, body
    return body


async def login(auth, email, password=PASSWORD, **kwargs):
    return await auth.call(
        "POST", "/api/v1/auth/login", anonymous=True, json={"email": email, "password": password}, **kwargs
    )


async def refresh(auth, token):
    return await auth.call("POST", "/api/v1/auth/refresh", anonymous=True, json={"refresh_token": token})


def as_user(user_id, session, *roles) -> Principal:
    return Principal(str(user_id), frozenset(roles or {"customer"}), "customer", str(session) if session else None)


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    encoded = token.split(".")[1]
    return json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


@asynccontextmanager
async def rows_of(served_service):
    """A function that runs one query on the service's database."""
    database = Database(served_service.settings.database_url, "test")
    await database.open()

    async def fetch(query, *arguments):
        async with database.acquire() as connection:
            return await connection.fetch(query, *arguments)

    try:
        yield fetch
    finally:
        await database.close()
