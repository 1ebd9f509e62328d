import statistics
import time

import pytest

from shared.identity import ANONYMOUS
from tests.support.auth_steps import PASSWORD, auth_served, login, new_email, register
from tests.support.services import until

pytestmark = pytest.mark.service("auth")


async def from_address(auth, email, password, address):
    return await auth.call(
        "POST",
        "/api/v1/auth/login",
        principal=ANONYMOUS,
        headers={"X-Client-Address": address},
        json={"email": email, "password": password},
    )


async def test_rotating_addresses_do_not_get_around_the_accounts_back_off(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        statuses = [(await from_address(auth, user["email"], f"guess {n}", f"10.0.0.{n}"))[0] for n in range(12)]
        assert statuses.count(401) <= 7
        status, body = await from_address(auth, user["email"], "guess again", "10.0.9.9")
        assert (status, body["code"]) == (429, "too_many_attempts")
        assert 0 < body["retry_after_s"] <= 30


async def test_the_owner_gets_in_from_their_usual_place_while_a_stranger_guesses(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        assert (await from_address(auth, user["email"], PASSWORD, "192.0.2.1"))[0] == 200
        for n in range(12):
            await from_address(auth, user["email"], f"guess {n}", "203.0.113.5")
        assert (await from_address(auth, user["email"], PASSWORD, "203.0.113.6"))[0] == 429
        assert (await from_address(auth, user["email"], PASSWORD, "192.0.2.1"))[0] == 200


async def test_the_back_off_ends_by_itself(engines, prefix):
    async with auth_served(engines, prefix, throttle_account_free=2, throttle_wait_s_max=0.3) as auth:
        user = await register(auth)
        for n in range(5):
            await login(auth, user["email"], f"guess {n}")

        async def let_in():
            return (await login(auth, user["email"]))[0] == 200

        await until(let_in, deadline_s=5, every_s=0.1)


async def test_many_accounts_from_one_address_are_slowed_down(engines, prefix):
    async with auth_served(engines, prefix, throttle_address_free=10) as auth:
        statuses = [(await from_address(auth, new_email(), "stuffed pw", "203.0.113.7"))[0] for _ in range(14)]
        assert 429 in statuses
        assert (await from_address(auth, new_email(), "stuffed pw", "203.0.113.8"))[0] == 401


async def test_unknown_accounts_are_throttled_like_known_ones(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        email = new_email()
        statuses = [(await login(auth, email, f"guess {n}"))[0] for n in range(9)]
        user = await register(auth)
        assert statuses == [(await login(auth, user["email"], f"guess {n}"))[0] for n in range(9)]


async def test_unknown_and_known_accounts_take_the_same_time(engines, prefix):
    async with auth_served(engines, prefix, throttle_account_free=10_000, throttle_address_free=10_000) as auth:
        known = (await register(auth))["email"]
        unknown = new_email()
        times = {known: [], unknown: []}
        for n in range(60):
            for email in (known, unknown) if n % 2 else (unknown, known):
                started = time.perf_counter()
                assert (await login(auth, email, "wrong password"))[0] == 401
                times[email].append(time.perf_counter() - started)
        medians = [statistics.median(taken) for taken in times.values()]
        assert abs(medians[0] - medians[1]) < 0.005


async def test_a_spoofed_client_address_without_the_gateways_token_is_ignored(engines, prefix):
    async with auth_served(engines, prefix, throttle_address_free=3) as auth:
        statuses = [
            (await login(auth, new_email(), "stuffed pw", headers={"X-Client-Address": f"10.1.1.{n}"}))[0]
            for n in range(8)
        ]
        assert 429 in statuses
