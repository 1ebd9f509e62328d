import asyncpg
import pytest

from tests.support.auth_steps import as_user, auth_served, enrolled, login, new_api_key, register, rows_of

pytestmark = pytest.mark.service("auth")

PATH = "/api/v1/auth/security-events"


async def pages(auth, query):
    """The events of all pages, and how many pages there were."""
    events, cursor, number = [], "", 0
    while cursor is not None:
        status, page = await auth.call("GET", f"{PATH}?{query}{cursor and f'&cursor={cursor}'}")
        assert status == 200, page
        events += page["items"]
        cursor, number = page["next_cursor"], number + 1
    return events, number


async def test_an_admin_reads_the_audit_log_page_by_page_newest_first(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        ann, bob = await register(auth), await register(auth)
        for user in (ann, bob, ann):
            await login(auth, user["email"])
            await login(auth, user["email"], "wrong password")
        events, number = await pages(auth, "limit=3")
        assert (len(events), number) == (8, 3)
        assert [event["id"] for event in events] == sorted((event["id"] for event in events), reverse=True)
        assert all(len(event["trace_id"]) == 32 for event in events)
        about, _ = await pages(auth, f"limit=2&subject={ann['user_id']}")
        assert [event["kind"] for event in about] == ["login_failed", "login", "login_failed", "login", "registered"]
        failed, _ = await pages(auth, "kind=login_failed")
        assert len(failed) == 3


async def test_nobody_changes_or_empties_the_audit_log(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        await register(auth)
        for statement in (
            "UPDATE security_events SET kind = ''",
            "DELETE FROM security_events",
            "TRUNCATE security_events",
        ):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await fetch(statement)
        assert len(await fetch("SELECT 1 FROM security_events")) == 1


async def test_one_takes_along_everything_that_is_known_of_ones_account(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user, secret, codes = await enrolled(auth)
        other = await register(auth)
        await login(auth, user["email"], code=codes[0])
        me = as_user(user["user_id"], None)
        _, made = await new_api_key(auth, me, "orders:read")
        status, export = await auth.call("GET", "/api/v1/auth/me/export", principal=me)
        assert status == 200
        assert (export["profile"]["email"], export["second_factor"]) == (user["email"], True)
        assert (len(export["sessions"]), export["usual_addresses"]) == (1, ["127.0.0.1"])
        assert [key["prefix"] for key in export["api_keys"]] == [made["described"]["prefix"]]
        assert [event["kind"] for event in export["security_events"]] == [
            "api_key_created", "login", "recovery_code_used", "second_factor_enabled", "registered",
        ]  # fmt: skip
        for hidden in (secret, made["key"], other["email"], "argon2", *codes):
            assert hidden not in str(export)


async def test_erasure_leaves_nothing_to_take_along_or_to_sign_in_with(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user, _, codes = await enrolled(auth)
        await login(auth, user["email"], code=codes[0])
        me = as_user(user["user_id"], None)
        await new_api_key(auth, me, "orders:read")
        await auth.call("POST", "/api/v1/auth/password-reset", anonymous=True, json={"email": user["email"]})
        assert (await auth.call("DELETE", "/api/v1/auth/me", principal=me))[0] == 204
        assert (await auth.call("GET", "/api/v1/auth/me/export", principal=me))[0] == 404
        tables = [
            row["tablename"]
            for row in await fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'outbox'"
            )
        ]
        assert {"users", "api_keys", "second_factors", "letter_requests"} <= set(tables)
        holding = [table for table in tables if user["email"] in str(await fetch(f"SELECT * FROM {table}"))]  # noqa: S608
        assert holding == []
        assert await fetch("SELECT 1 FROM second_factors UNION SELECT 1 FROM known_addresses") == []
