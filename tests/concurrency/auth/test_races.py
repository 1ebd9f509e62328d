import asyncio

import pyotp
import pytest

from shared import one_time_tokens
from tests.support.auth_steps import (
    as_user,
    ask_to_register,
    auth_served,
    confirm,
    enrolled,
    login,
    new_email,
    refresh,
    register,
    reset,
    reset_token,
    rows_of,
)
from tests.support.services import INTERNAL_SECRET

pytestmark = pytest.mark.service("auth")


async def test_a_parallel_double_refresh_leaves_at_most_one_valid_child(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        for at_once in (2, 4, 50):
            user = await register(auth)
            _, pair = await login(auth, user["email"])
            answers = await asyncio.gather(*(refresh(auth, pair["refresh_token"]) for _ in range(at_once)))
            assert [status for status, _ in answers].count(200) <= 1
        live = await fetch("SELECT session_id FROM refresh_tokens WHERE used_at IS NULL GROUP BY 1 HAVING count(*) > 1")
        assert live == []


async def test_of_many_proofs_of_one_address_one_opens_the_account(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        email = new_email()
        await asyncio.gather(*(ask_to_register(auth, email) for _ in range(6)))
        ids = [row["id"] for row in await fetch("SELECT id FROM letter_requests")]
        tokens = [one_time_tokens.mint(INTERNAL_SECRET, one_time_tokens.REGISTRATION, request_id) for request_id in ids]
        answers = await asyncio.gather(*(confirm(auth, token) for token in tokens * 2))
        statuses = [status for status, _ in answers]
        assert len(tokens) == 6
        assert (statuses.count(201), set(statuses)) == (1, {201, 409, 410})
        assert len(await fetch("SELECT 1 FROM outbox WHERE type = 'user.registered'")) == 1


async def test_one_letter_sets_one_password_however_often_it_is_used_at_once(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        token = await reset_token(auth, user["email"])
        answers = await asyncio.gather(*(reset(auth, token, f"new password {n}") for n in range(50)))
        statuses = [status for status, _ in answers]
        assert (statuses.count(200), statuses.count(410)) == (1, 49)
        winner = f"new password {statuses.index(200)}"
        assert (await login(auth, user["email"], winner))[0] == 200
        assert len(await fetch("SELECT 1 FROM security_events WHERE kind = 'password_reset'")) == 1


async def test_a_recovery_code_signs_in_once_however_often_it_is_used_at_once(engines, prefix):
    async with auth_served(engines, prefix, throttle_account_free=1_000) as auth, rows_of(auth) as fetch:
        user, secret, codes = await enrolled(auth)
        await fetch("UPDATE second_factors SET last_step = 0")
        for code in (codes[0], pyotp.TOTP(secret).now()):
            answers = await asyncio.gather(*(login(auth, user["email"], code=code) for _ in range(25)))
            statuses = [status for status, _ in answers]
            assert (statuses.count(200), statuses.count(401)) == (1, 24)
        assert len(await fetch("SELECT 1 FROM sessions")) == 2


async def test_simultaneous_guesses_are_counted_before_they_are_checked(engines, prefix):
    async with auth_served(engines, prefix, throttle_account_free=5) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        answers = await asyncio.gather(*(login(auth, user["email"], f"guess number {n}") for n in range(40)))
        statuses = [status for status, _ in answers]
        assert set(statuses) == {401, 429}
        assert statuses.count(401) <= 6
        failed = await fetch("SELECT count(*) AS n FROM audit.security_events WHERE kind = 'login_failed'")
        assert failed[0]["n"] == statuses.count(401)


async def test_of_admins_who_demote_disable_and_erase_each_other_at_once_one_stays(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:

        def demote(user_id):
            return auth.call("PATCH", f"/api/v1/users/{user_id}", json={"roles": ["customer"]})

        def disable(user_id):
            return auth.call("PATCH", f"/api/v1/users/{user_id}", json={"status": "disabled"})

        def erase(user_id):
            return auth.call("DELETE", "/api/v1/auth/me", principal=as_user(user_id, None, "admin"))

        for acts in ((demote, demote), (erase, erase), (demote, erase), (demote, disable, erase) * 2):
            ids = [(await register(auth))["user_id"] for _ in acts]
            for user_id in ids:
                await auth.call("PATCH", f"/api/v1/users/{user_id}", json={"roles": ["admin"]})
            for row in await fetch("SELECT id FROM users WHERE 'admin' = ANY(roles) AND NOT id = ANY($1::uuid[])", ids):
                await demote(row["id"])
            answers = await asyncio.gather(*(act(user_id) for act, user_id in zip(acts, ids, strict=True)))
            refused = [body["code"] for status, body in answers if status not in {200, 204}]
            assert refused == ["last_admin"]
            left = await fetch("SELECT id FROM users WHERE 'admin' = ANY(roles) AND status = 'active'")
            assert len(left) == 1
