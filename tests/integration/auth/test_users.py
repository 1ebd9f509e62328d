import pytest

from tests.support.auth_steps import as_user, auth_served, login, refresh, register

pytestmark = pytest.mark.service("auth")


async def test_an_edit_needs_the_version_that_was_seen(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        path = f"/api/v1/users/{user['user_id']}"
        _, seen = await auth.call("GET", path)
        status, edited = await auth.call(
            "PATCH", path, json={"roles": ["support"]}, headers={"If-Match": f'"{seen["version"]}"'}
        )
        assert (status, edited["roles"], edited["version"]) == (200, ["support"], seen["version"] + 1)
        status, body = await auth.call(
            "PATCH", path, json={"roles": ["admin"]}, headers={"If-Match": f'"{seen["version"]}"'}
        )
        assert (status, body["code"]) == (412, "version_mismatch")
        status, body = await auth.call("PATCH", path, json={"roles": ["admin"]}, headers={"If-Match": "junk"})
        assert (status, body["code"]) == (400, "invalid_version")


async def test_changed_rights_end_the_sessions(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        _, pair = await login(auth, user["email"])
        await auth.call("PATCH", f"/api/v1/users/{user['user_id']}", json={"status": "disabled"})
        assert (await refresh(auth, pair["refresh_token"]))[0] == 401
        assert (await login(auth, user["email"]))[0] == 401


@pytest.mark.parametrize("edit", [{"roles": ["customer"]}, {"status": "disabled"}, None])
async def test_the_last_admin_stays_one(engines, prefix, edit):
    async with auth_served(engines, prefix) as auth:
        first, second = [(await register(auth))["user_id"] for _ in range(2)]

        async def resign(user_id):
            if edit is None:
                return await auth.call("DELETE", "/api/v1/auth/me", principal=as_user(user_id, None, "admin"))
            return await auth.call("PATCH", f"/api/v1/users/{user_id}", json=edit)

        for user_id in (first, second):
            await auth.call("PATCH", f"/api/v1/users/{user_id}", json={"roles": ["admin", "customer"]})
        assert (await resign(first))[0] in {200, 204}
        status, body = await resign(second)
        assert (status, body["code"]) == (409, "last_admin")
        _, kept = await auth.call("GET", f"/api/v1/users/{second}")
        assert (kept["roles"], kept["status"]) == (["admin", "customer"], "active")
        status, _ = await auth.call("PATCH", f"/api/v1/users/{second}", json={"roles": ["admin", "support"]})
        assert status == 200


@pytest.mark.parametrize("role", ["customer", "seller", "support"])
async def test_only_an_admin_changes_rights(engines, prefix, role):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        principal = as_user(user["user_id"], None, role)
        status, _ = await auth.call(
            "PATCH", f"/api/v1/users/{user['user_id']}", principal=principal, json={"roles": ["admin"]}
        )
        assert status == 403


async def test_users_are_listed_page_by_page(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        ids = [(await register(auth))["user_id"] for _ in range(5)]
        seen, cursor = [], ""
        while True:
            _, page = await auth.call("GET", f"/api/v1/users?limit=2{cursor}")
            seen += [user["id"] for user in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == ids
        assert (await auth.call("GET", "/api/v1/users?cursor=x"))[1]["code"] == "invalid_cursor"
        assert (await auth.call("GET", "/api/v1/users?limit=1000"))[1]["code"] == "invalid_page_size"


async def test_ones_own_name_is_ones_own_to_change(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        _, pair = await login(auth, user["email"])
        principal = as_user(user["user_id"], None)
        status, body = await auth.call("PATCH", "/api/v1/auth/me", principal=principal, json={"name": "Grace"})
        assert (status, body["name"]) == (200, "Grace")
        status, body = await auth.call("PATCH", "/api/v1/auth/me", principal=principal, json={"roles": ["admin"]})
        assert status == 400
        assert pair["token_type"] == "Bearer"
