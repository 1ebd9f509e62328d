import pytest

from shared import one_time_tokens
from tests.support.auth_steps import (
    PASSWORD,
    as_user,
    ask_to_register,
    auth_served,
    confirm,
    letters_written,
    login,
    new_email,
    refresh,
    register,
    reset,
    reset_token,
    rows_of,
    token_of,
)
from tests.support.services import until

pytestmark = pytest.mark.service("auth")

NEW = "another good one"


async def told(fetch):
    """What was published, in its order: type and to whom."""
    rows = await fetch("SELECT type, payload::jsonb -> 'data' ->> 'email' AS email FROM outbox ORDER BY position")
    return [(row["type"].removeprefix("user."), row["email"]) for row in rows]


async def test_an_account_is_opened_by_its_letter_alone_and_once(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        status, promised = await ask_to_register(auth, "Ada@Example.com")
        assert (status, promised) == (202, {"email": "ada@example.com", "expires_in": 86_400})
        assert (await login(auth, "ada@example.com"))[0] == 401
        token = await token_of(auth, one_time_tokens.REGISTRATION, "ada@example.com")
        assert await letters_written(auth) == ["written"]
        assert (await confirm(auth, token))[0] == 201
        assert (await login(auth, "ada@example.com"))[0] == 200
        status, problem = await confirm(auth, token)
        assert (status, problem["code"]) == (410, "token_gone")
        assert await told(fetch) == [
            ("registration_requested", "ada@example.com"),
            ("registered", "ada@example.com"),
        ]
        assert await fetch("SELECT 1 FROM letter_requests") == []


async def test_only_the_owner_of_a_known_address_is_told_that_somebody_registered_it(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        await register(auth, "twice@example.com", name="First")
        status, promised = await ask_to_register(auth, "TWICE@example.com", "a stranger's words", name="Second")
        assert (status, promised["email"]) == (202, "twice@example.com")
        token = await token_of(auth, one_time_tokens.REGISTRATION, "twice@example.com")
        assert await letters_written(auth) == ["repeated"]
        payload = await fetch("SELECT payload FROM outbox WHERE type = 'user.registration_repeated'")
        assert "First" in payload[0]["payload"]
        assert "Second" not in payload[0]["payload"]
        # nobody was sent this token; whoever had it would gain nothing
        assert (await confirm(auth, token))[0] == 409
        assert (await login(auth, "twice@example.com"))[0] == 200
        assert (await login(auth, "twice@example.com", "a stranger's words"))[0] == 401


async def test_a_forgotten_password_is_set_anew_by_letter_and_ends_every_session(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        _, pair = await login(auth, user["email"])
        first, token = [await reset_token(auth, user["email"]) for _ in range(2)]
        status, problem = await reset(auth, token, "password123")
        assert (status, problem["rule"]) == (422, "common")
        assert await reset(auth, token, NEW) == (200, {"sessions_ended": 1})
        assert (await refresh(auth, pair["refresh_token"]))[0] == 401
        assert (await login(auth, user["email"], PASSWORD))[0] == 401
        assert (await login(auth, user["email"], NEW))[0] == 200
        for used in (token, first):
            status, problem = await reset(auth, used, PASSWORD)
            assert (status, problem["code"]) == (410, "token_gone")
        changes = await fetch("SELECT payload::jsonb -> 'data' ->> 'change' AS c FROM outbox ORDER BY position DESC")
        assert changes[0]["c"] == "password_reset"


async def test_a_changed_password_withdraws_letters_on_their_way(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        token = await reset_token(auth, user["email"])
        change = {"current_password": PASSWORD, "new_password": NEW}
        principal = as_user(user["user_id"], None)
        assert (await auth.call("POST", "/api/v1/auth/password", principal=principal, json=change))[0] == 200
        assert (await reset(auth, token, PASSWORD))[0] == 410


async def test_letters_expire(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        await ask_to_register(auth, "late@example.com")
        late = await token_of(auth, one_time_tokens.REGISTRATION, "late@example.com")
        token = await reset_token(auth, user["email"])
        await fetch("UPDATE letter_requests SET expires_at = clock_timestamp()")
        assert [(await confirm(auth, late))[0], (await reset(auth, token, NEW))[0]] == [410, 410]


async def test_a_token_of_another_kind_or_of_nobody_is_gone(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        await ask_to_register(auth, "other@example.com")
        registration = await token_of(auth, one_time_tokens.REGISTRATION, "other@example.com")
        token = await reset_token(auth, user["email"])
        assert (await confirm(auth, token))[0] == 410
        assert (await reset(auth, registration, NEW))[0] == 410
        unknown = await reset_token(auth, new_email())
        for useless in (unknown, "x", token[:-1] + "~"):
            assert (await reset(auth, useless, NEW))[0] == 410


async def test_an_address_gets_five_letters_an_hour_whoever_asks(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        for _ in range(4):
            await ask_to_register(auth, user["email"])
        for _ in range(3):
            await auth.call("POST", "/api/v1/auth/password-reset", anonymous=True, json={"email": user["email"]})
        outcomes = await letters_written(auth)
        assert (len(outcomes), outcomes.count("too_many")) == (7, 2)  # in which order they were looked at is open
        letters = [
            kind for kind, _ in await told(fetch) if kind in {"registration_repeated", "password_reset_requested"}
        ]
        assert len(letters) == 5


async def test_an_address_that_was_never_proven_is_forgotten_by_everybody(engines, prefix, monkeypatch):
    monkeypatch.setattr("svc.auth.jobs.PRUNE_EVERY_S", 0.05)
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        await ask_to_register(auth, "never@example.com")
        await letters_written(auth)
        (row,) = await fetch(
            "UPDATE letter_requests SET expires_at = clock_timestamp() - interval '2 hours' RETURNING id::text"
        )

        async def forgotten():
            return await fetch("SELECT aggregate_id FROM outbox WHERE type = 'user.deleted'")

        assert [event["aggregate_id"] for event in await until(forgotten)] == [row["id"]]
        assert await fetch("SELECT 1 FROM letter_requests") == []
