import asyncio

import pytest

from tests.support.auth_steps import PASSWORD, auth_served, login, new_email, refresh, register, rows_of

pytestmark = pytest.mark.service("auth")


async def test_a_parallel_double_refresh_leaves_at_most_one_valid_child(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        for _ in range(5):
            user = await register(auth)
            _, pair = await login(auth, user["email"])
            answers = await asyncio.gather(*(refresh(auth, pair["refresh_token"]) for _ in range(4)))
            assert [status for status, _ in answers].count(200) <= 1
        live = await fetch("SELECT session_id FROM refresh_tokens WHERE used_at IS NULL GROUP BY 1 HAVING count(*) > 1")
        assert live == []


async def test_of_two_registrations_of_one_address_one_wins(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        body = {"email": new_email(), "password": PASSWORD, "name": "A"}
        answers = await asyncio.gather(
            *(auth.call("POST", "/api/v1/auth/register", anonymous=True, json=body) for _ in range(6))
        )
        assert sorted(status for status, _ in answers) == [201] + [409] * 5
        assert (await fetch("SELECT count(*) AS n FROM outbox"))[0]["n"] == 1


async def test_simultaneous_guesses_are_counted_before_they_are_checked(engines, prefix):
    async with auth_served(engines, prefix, throttle_account_free=5) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        answers = await asyncio.gather(*(login(auth, user["email"], f"guess number {n}") for n in range(40)))
        statuses = [status for status, _ in answers]
        assert set(statuses) == {401, 429}
        assert statuses.count(401) <= 6
        failed = await fetch("SELECT count(*) AS n FROM audit.security_events WHERE kind = 'login_failed'")
        assert failed[0]["n"] == statuses.count(401)
