from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.support.auth_steps import as_user, auth_served, login, new_api_key, refresh, register, rows_of
from tests.support.services import until
from tests.support.statements import API_ONLY, noted_statements

pytestmark = pytest.mark.service("auth")


@contextmanager
def counted_statements():
    """The statements that any SQLAlchemy engine of this process sends while the block runs."""
    statements = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_page_of_users_costs_the_same_statements_whatever_its_size(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        for _ in range(12):
            await register(auth)
        counts = []
        for size in (2, 10):
            with counted_statements() as statements:
                _, page = await auth.call("GET", f"/api/v1/users?limit={size}")
            assert len(page["items"]) == size
            counts.append(len(statements))
        assert 1 <= counts[0] == counts[1] <= 6


@pytest.mark.parametrize("path", ["api-keys", "sessions", "security-events?limit=100", "me/export", "totp"])
async def test_what_one_reads_costs_the_same_statements_however_much_there_is(engines, prefix, path):
    with noted_statements() as statements:
        async with auth_served(engines, prefix, **API_ONLY) as auth:
            user = await register(auth)
            me = as_user(user["user_id"], None, "customer", "admin")
            counts = []
            for rows in (1, 8):
                for _ in range(rows):
                    await new_api_key(auth, me, "orders:read")
                    await login(auth, user["email"])
                with statements.counted() as asked:
                    status, _ = await auth.call("GET", f"/api/v1/auth/{path}", principal=me)
                assert status == 200
                counts.append(len([one for one in asked if not one.startswith(("BEGIN", "COMMIT", "ROLLBACK"))]))
            assert 1 <= counts[0] == counts[1] <= 6


async def test_bulk_work_writes_in_few_statements(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        items = [{"email": f"b{number}@example.com", "name": "B"} for number in range(500)]
        _, imported = await auth.call("POST", "/internal/users/import", json={"items": items})
        subjects = [item["user_id"] for item in imported["items"]]
        await auth.call("POST", "/internal/tokens", json={"subjects": subjects, "ttl_s": 60})
        # one transaction wrote all sessions: they share the id of the transaction that inserted them
        rows = await fetch("SELECT count(*) AS n, count(DISTINCT xmin::text) AS transactions FROM sessions")
        assert (rows[0]["n"], rows[0]["transactions"]) == (500, 1)


async def test_old_sessions_of_one_user_make_room(engines, prefix):
    async with auth_served(engines, prefix, throttle_account_free=1_000) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        _, first = await login(auth, user["email"])
        for _ in range(52):
            await login(auth, user["email"])
        alive = await fetch("SELECT count(*) AS n FROM sessions WHERE revoked_at IS NULL")
        assert alive[0]["n"] == 50
        assert (await refresh(auth, first["refresh_token"]))[0] == 401
        _, listed = await auth.call("GET", "/api/v1/auth/sessions", principal=as_user(user["user_id"], None))
        assert len(listed["items"]) == 50

        async def announced():
            rows = await fetch(
                "SELECT count(*) AS n FROM sessions WHERE revoked_at IS NOT NULL AND announced_at IS NULL"
            )
            return rows[0]["n"] == 0

        await until(announced)
