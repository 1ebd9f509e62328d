import time

import asyncpg
import pytest

from svc.auth.domain import seeded_user_id
from tests.support.auth_steps import as_user, auth_served, login, rows_of

pytestmark = pytest.mark.service("auth")


def items(count, **more):
    return [{"email": f"buyer{n}@example.com", "name": f"Buyer {n}", **more} for n in range(count)]


async def test_ten_thousand_buyers_are_imported_and_equipped_in_seconds(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        started = time.monotonic()
        status, body = await auth.call(
            "POST", "/internal/users/import", json={"items": items(10_000, password="seeded buyers")}
        )
        imported_s = time.monotonic() - started
        assert (status, body["created"], body["known"]) == (200, 10_000, 0)
        ids = [item["user_id"] for item in body["items"]]
        assert ids == [str(seeded_user_id(f"buyer{n}@example.com")) for n in range(10_000)]
        started = time.monotonic()
        status, body = await auth.call("POST", "/internal/tokens", json={"subjects": ids, "ttl_s": 600})
        issued_s = time.monotonic() - started
        assert status == 200
        assert [item["user_id"] for item in body["items"]] == ids
        assert imported_s + issued_s < 20, (imported_s, issued_s)
        kinds = {row["kind"]: row["detail"] for row in await fetch("SELECT kind, detail FROM audit.security_events")}
        assert kinds["tokens_issued"].startswith("subjects=10000")
        assert (await login(auth, "buyer7@example.com", "seeded buyers"))[0] == 200


async def test_a_repeated_import_changes_nothing(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        body = {"items": items(3, password="seeded buyers")}
        _, first = await auth.call("POST", "/internal/users/import", json=body)
        _, again = await auth.call("POST", "/internal/users/import", json=body)
        assert again == {**first, "created": 0, "known": 3}


async def test_only_seeded_users_share_a_hash(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        await auth.call("POST", "/internal/users/import", json={"items": items(2, password="seeded buyers")})
        assert (await fetch("SELECT count(DISTINCT password_hash) AS n FROM users"))[0]["n"] == 1
        with pytest.raises(asyncpg.UniqueViolationError):
            await fetch("UPDATE users SET seeded = false")


async def test_tokens_are_for_the_operator_alone_and_for_known_users(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        subject = str(seeded_user_id("buyer0@example.com"))
        status, body = await auth.call("POST", "/internal/tokens", json={"subjects": [subject], "ttl_s": 60})
        assert (status, body["code"]) == (404, "unknown_user")
        await auth.call("POST", "/internal/users/import", json={"items": items(1)})
        request = {"subjects": [subject], "ttl_s": 60}
        for roles in (["customer"], ["admin"], ["service"]):
            status, _ = await auth.call(
                "POST", "/internal/tokens", principal=as_user(subject, None, *roles), json=request
            )
            assert status == 403
        assert (await auth.call("POST", "/internal/tokens", json={**request, "ttl_s": 601}))[0] == 400
        assert (await auth.call("POST", "/internal/tokens", json=request))[0] == 200


async def test_a_user_without_a_password_cannot_log_in(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        await auth.call("POST", "/internal/users/import", json={"items": items(1)})
        assert (await login(auth, "buyer0@example.com", ""))[0] == 401
