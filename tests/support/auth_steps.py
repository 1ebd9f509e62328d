"""What tests of auth and of the gateway do again and again with accounts."""

import json
import uuid
from base64 import urlsafe_b64decode
from contextlib import asynccontextmanager
from typing import Any

import pyotp

from shared import one_time_tokens
from shared.database import Database
from shared.identity import Principal
from tests.support.services import served, until

WEAK_HASHING = {"argon2_memory_kib": 8, "argon2_passes": 1}
PASSWORD = "correct horse battery"


def auth_served(engines, prefix, **overrides):
    """The auth service with cheap hashing."""
    return served(engines, "auth", prefix=prefix, **{**WEAK_HASHING, **overrides})


def new_email() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.com"


async def ask_to_register(auth, email, password=PASSWORD, name="Ada"):
    """Status and answer of a registration whose address is not proven yet."""
    return await auth.call(
        "POST", "/api/v1/auth/register", anonymous=True, json={"email": email, "password": password, "name": name}
    )


async def token_of(auth, purpose, email):
    """The token of the newest letter of the kind to the address, as who writes the letter makes it."""
    async with rows_of(auth) as fetch:
        rows = await fetch(
            "SELECT id FROM letter_requests WHERE kind = $1 AND email = $2 ORDER BY id DESC", purpose, email.lower()
        )
    return one_time_tokens.mint(auth.settings.internal_secret, purpose, rows[0]["id"])


async def confirm(auth, token):
    return await auth.call("POST", "/api/v1/auth/register/confirm", anonymous=True, json={"token": token})


async def register(auth, email=None, password=PASSWORD, name="Ada"):
    """An account whose address is proven."""
    email = email or new_email()
    status, body = await ask_to_register(auth, email, password, name)
    assert status == 202, body
    status, body = await confirm(auth, await token_of(auth, one_time_tokens.REGISTRATION, email))
    assert status == 201, body
    return body


async def reset_token(auth, email):
    """The token of a letter that sets a new password."""
    status, _ = await auth.call("POST", "/api/v1/auth/password-reset", anonymous=True, json={"email": email})
    assert status == 202
    await letters_written(auth)
    return await token_of(auth, one_time_tokens.PASSWORD_RESET, email)


async def letters_written(auth):
    """Wait until every letter asked for was decided on; gives the outcomes."""
    async with rows_of(auth) as fetch:

        async def decided():
            rows = await fetch("SELECT outcome FROM letter_requests ORDER BY id")
            return None if any(row["outcome"] is None for row in rows) else [[row["outcome"] for row in rows]]

        (outcomes,) = await until(decided)
    return outcomes


async def reset(auth, token, password):
    body = {"token": token, "new_password": password}
    return await auth.call("POST", "/api/v1/auth/password-reset/confirm", anonymous=True, json=body)


async def login(auth, email, password=PASSWORD, *, code=None, **kwargs):
    body = {"email": email, "password": password, **({} if code is None else {"code": code})}
    return await auth.call("POST", "/api/v1/auth/login", anonymous=True, json=body, **kwargs)


async def totp(auth, principal, path, **body):
    return await auth.call("POST", f"/api/v1/auth/totp{path}", principal=principal, json=body)


async def new_api_key(auth, principal, *scopes, password=PASSWORD):
    body = {"name": "script", "scopes": list(scopes), "password": password}
    return await auth.call("POST", "/api/v1/auth/api-keys", principal=principal, json=body)


async def verified(auth, key, **caller):
    """What the gateway is told about a key."""
    return await auth.call("POST", "/internal/api-keys/verify", json={"key": key}, **caller)


async def enrolled(auth):
    """Somebody with a second factor: the user, its secret and its recovery codes."""
    user = await register(auth)
    me = as_user(user["user_id"], None)
    _, made = await totp(auth, me, "", password=PASSWORD)
    status, shown = await totp(auth, me, "/confirm", code=pyotp.TOTP(made["secret"]).now())
    assert status == 200, shown
    return user, made["secret"], shown["recovery_codes"]


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
