import pyotp
import pytest

from tests.support.auth_steps import (
    PASSWORD,
    as_user,
    auth_served,
    enrolled,
    login,
    register,
    reset,
    reset_token,
    rows_of,
    totp,
)

pytestmark = pytest.mark.service("auth")


async def test_a_second_factor_is_asked_for_once_it_was_confirmed(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        me = as_user(user["user_id"], None)
        assert (await totp(auth, me, "", password="wrong"))[0] == 401
        status, secret = await totp(auth, me, "", password=PASSWORD)
        assert status == 201
        assert secret["uri"].startswith("otpauth://totp/ShopStream:")
        assert (await login(auth, user["email"]))[0] == 200  # not confirmed yet
        status, problem = await totp(auth, me, "/confirm", code="000000")
        assert (status, problem["code"]) == (422, "invalid_code")
        status, shown = await totp(auth, me, "/confirm", code=pyotp.TOTP(secret["secret"]).now())
        assert (status, len(shown["recovery_codes"])) == (200, 10)
        assert (await totp(auth, me, "", password=PASSWORD))[1]["code"] == "second_factor_enabled"
        status, state = await auth.call("GET", "/api/v1/auth/totp", principal=me)
        assert state == {"enabled": True, "recovery_codes_left": 10}
        status, problem = await login(auth, user["email"])
        assert (status, problem["code"]) == (401, "second_factor_required")
        status, problem = await login(auth, user["email"], "wrong password")
        assert (status, problem["code"]) == (401, "invalid_credentials")


async def test_a_code_works_once(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user, secret, _ = await enrolled(auth)
        used = pyotp.TOTP(secret).now()  # confirming used it up
        status, problem = await login(auth, user["email"], code=used)
        assert (status, problem["code"]) == (401, "second_factor_refused")
        await fetch("UPDATE second_factors SET last_step = 0")
        assert (await login(auth, user["email"], code=f"{used[:3]} {used[3:]}"))[0] == 200
        assert (await login(auth, user["email"], code=used))[0] == 401


async def test_a_recovery_code_works_once_and_the_owner_is_told(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user, _, codes = await enrolled(auth)
        assert (await login(auth, user["email"], code=codes[0].upper()))[0] == 200
        assert (await login(auth, user["email"], code=codes[0]))[0] == 401
        _, state = await auth.call("GET", "/api/v1/auth/totp", principal=as_user(user["user_id"], None))
        assert state["recovery_codes_left"] == 9
        told = await fetch("SELECT payload::jsonb -> 'data' ->> 'change' AS change FROM outbox ORDER BY position")
        assert [row["change"] for row in told if row["change"]] == ["second_factor_enabled", "recovery_code_used"]


async def test_new_recovery_codes_replace_the_old_ones(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user, _, codes = await enrolled(auth)
        me = as_user(user["user_id"], None)
        status, shown = await totp(auth, me, "/recovery-codes", password=PASSWORD, code=codes[0])
        assert status == 200
        assert (await login(auth, user["email"], code=codes[1]))[0] == 401
        assert (await login(auth, user["email"], code=shown["recovery_codes"][1]))[0] == 200


async def test_switching_it_off_needs_password_and_code(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user, _, codes = await enrolled(auth)
        me = as_user(user["user_id"], None)
        assert (await totp(auth, me, "/disable", password="wrong", code=codes[0]))[0] == 401
        assert (await totp(auth, me, "/disable", password=PASSWORD, code="000000"))[0] == 422
        assert (await totp(auth, me, "/disable", password=PASSWORD, code=codes[0]))[0] == 204
        assert (await totp(auth, me, "/disable", password=PASSWORD, code=codes[1]))[1]["code"] == "no_second_factor"
        assert (await login(auth, user["email"]))[0] == 200
        assert await fetch("SELECT 1 FROM recovery_codes") == []


async def test_a_mailbox_alone_does_not_get_around_it(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user, _, codes = await enrolled(auth)
        token = await reset_token(auth, user["email"])
        assert (await reset(auth, token, "another good one"))[0] == 200
        status, problem = await login(auth, user["email"], "another good one")
        assert (status, problem["code"]) == (401, "second_factor_required")
        assert (await login(auth, user["email"], "another good one", code=codes[0]))[0] == 200


async def test_neither_secret_nor_codes_are_stored_readably(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        _, secret, codes = await enrolled(auth)
        tables = ("second_factors", "recovery_codes", "outbox", "security_events")
        stored = [str(dict(row)) for table in tables for row in await fetch(f"SELECT * FROM {table}")]  # noqa: S608
        assert len(stored) > 12
        assert [word for word in (secret, *codes) if any(word in row for row in stored)] == []


async def test_codes_are_throttled_after_the_password_and_when_signed_in(engines, prefix):
    async with auth_served(engines, prefix, throttle_account_free=3) as auth:
        user, _, codes = await enrolled(auth)
        me = as_user(user["user_id"], None)
        tried = [(await totp(auth, me, "/disable", password=PASSWORD, code="123456"))[0] for _ in range(6)]
        assert set(tried) == {422, 429}
        statuses = [(await login(auth, user["email"], code="123456"))[0] for _ in range(6)]
        assert set(statuses) == {401, 429}
        assert (await login(auth, user["email"], code=codes[0]))[0] == 429
