import pytest

from shared.identity import ANONYMOUS
from svc.auth.passwords import Passwords
from tests.support.auth_steps import PASSWORD, auth_served, enrolled, login, new_email, register, rows_of
from tests.support.services import until

pytestmark = pytest.mark.service("auth")

GUESSES_MAX = 40


async def from_address(auth, email, password, address):
    return await auth.call(
        "POST",
        "/api/v1/auth/login",
        principal=ANONYMOUS,
        headers={"X-Client-Address": address},
        json={"email": email, "password": password},
    )


async def until_refused(guess):
    """Guess until a wait has begun, however slow the machine; gives the statuses before and the refusal.

    Each wait is twice the one before, so that no pace of guessing outruns them.
    """
    statuses = []
    for number in range(GUESSES_MAX):
        status, body = await guess(number)
        if status == 429:
            return statuses, body
        statuses.append(status)
    raise AssertionError(f"never refused: {statuses}")


async def let_waits_last(fetch):
    """Waits that have begun do not end within a test; gives how many there are."""
    return len(
        await fetch(
            "UPDATE login_attempts SET blocked_until = blocked_until + interval '1 hour' "
            "WHERE blocked_until > clock_timestamp() RETURNING 1"
        )
    )


async def test_rotating_addresses_do_not_get_around_the_accounts_back_off(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        statuses, body = await until_refused(
            lambda number: from_address(auth, user["email"], f"guess {number}", f"10.0.0.{number}")
        )
        assert set(statuses) == {401}
        assert len(statuses) >= auth.settings.throttle_account_free
        assert body["code"] == "too_many_attempts"
        assert 0 < body["retry_after_s"] <= 30


async def test_the_owner_gets_in_from_their_usual_place_while_a_stranger_guesses(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        assert (await from_address(auth, user["email"], PASSWORD, "192.0.2.1"))[0] == 200

        async def shut_out():
            await from_address(auth, user["email"], "guess", "203.0.113.5")
            return await let_waits_last(fetch)

        await until(shut_out)
        assert (await from_address(auth, user["email"], PASSWORD, "203.0.113.6"))[0] == 429
        assert (await from_address(auth, user["email"], PASSWORD, "192.0.2.1"))[0] == 200


async def test_the_back_off_ends_by_itself(engines, prefix):
    async with auth_served(engines, prefix, throttle_account_free=2, throttle_wait_s_max=0.3) as auth:
        user = await register(auth)
        for n in range(5):
            await login(auth, user["email"], f"guess {n}")

        async def let_in():
            return (await login(auth, user["email"]))[0] == 200

        await until(let_in, every_s=0.1)


async def test_many_accounts_from_one_address_are_slowed_down(engines, prefix):
    async with auth_served(engines, prefix, throttle_address_free=10) as auth:
        statuses, _ = await until_refused(lambda _: from_address(auth, new_email(), "stuffed pw", "203.0.113.7"))
        assert len(statuses) >= 10
        assert (await from_address(auth, new_email(), "stuffed pw", "203.0.113.8"))[0] == 401


async def test_unknown_accounts_are_throttled_like_known_ones(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        unknown, known = new_email(), (await register(auth))["email"]
        for email in (unknown, known):
            guesses = range(auth.settings.throttle_account_free + 1)
            assert {(await login(auth, email, f"guess {number}"))[0] for number in guesses} == {401}
        waits = await fetch(
            "SELECT attempts, round(extract(epoch FROM blocked_until - last_at), 1) AS wait_s FROM login_attempts "
            "WHERE scope NOT LIKE 'address:%'"
        )
        assert [tuple(row) for row in waits] == [(len(guesses), 1)] * 2


async def test_unknown_and_known_accounts_cost_the_same_work(engines, prefix):
    verified = []

    class Watched(Passwords):
        def _matches(self, password_hash, password):
            verified.append(password_hash.split("$")[1:4])
            return super()._matches(password_hash, password)

    async with auth_served(engines, prefix, parts={"passwords": Watched}) as auth:
        answers = []
        for email in ((await register(auth))["email"], new_email()):
            status, body = await login(auth, email, "wrong password")
            answers.append((status, {key: value for key, value in body.items() if key != "trace_id"}))
        assert answers[0] == answers[1]
        assert answers[0][0] == 401
        assert len(verified) == 2
        assert verified[0] == verified[1]


async def test_a_spoofed_client_address_without_the_gateways_token_is_ignored(engines, prefix):
    async with auth_served(engines, prefix, throttle_address_free=3) as auth:
        statuses, _ = await until_refused(
            lambda number: login(auth, new_email(), "stuffed pw", headers={"X-Client-Address": f"10.1.1.{number}"})
        )
        assert len(statuses) >= 3


async def test_who_knows_the_password_and_guesses_codes_waits_ever_longer_and_the_owner_does_not(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user, _, codes = await enrolled(auth)

        async def sign_in(address, code):
            body = {"email": user["email"], "password": PASSWORD, "code": code}
            headers = {"X-Client-Address": address}
            return await auth.call("POST", "/api/v1/auth/login", principal=ANONYMOUS, headers=headers, json=body)

        assert (await sign_in("192.0.2.1", codes[0]))[0] == 200
        for number in range(14):
            status, problem = await sign_in(f"203.0.113.{number}", "000000")
            assert (status, problem["code"]) == (401, "second_factor_refused")
            await fetch("UPDATE login_attempts SET blocked_until = clock_timestamp()")
        await sign_in("203.0.113.99", "000000")
        await fetch("UPDATE login_attempts SET blocked_until = clock_timestamp() WHERE scope NOT LIKE 'code:%'")
        status, problem = await sign_in("203.0.113.99", codes[1])
        assert (status, problem["code"]) == (429, "too_many_attempts")
        assert problem["retry_after_s"] > auth.settings.throttle_wait_s_max * 10
        assert (await sign_in("192.0.2.1", codes[1]))[0] == 200
