import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.auth_steps import auth_served, login, register, rows_of
from tests.support.services import until

pytestmark = pytest.mark.service("auth")


async def _keys(auth):
    return KeySet.import_key_set((await auth.call("GET", "/.well-known/jwks.json", anonymous=True))[1])


async def test_a_rotated_key_takes_over_while_the_old_one_stays_valid(engines, prefix):
    async with auth_served(engines, prefix, key_announce_s=0.5) as auth:
        user = await register(auth)
        old = (await login(auth, user["email"]))[1]["access_token"]
        _, rotated = await auth.call("POST", "/internal/keys/rotate")
        keys = await _keys(auth)
        assert len(keys.keys) == 2
        early = (await login(auth, user["email"]))[1]["access_token"]
        assert jwt.decode(early, keys, algorithms=["Ed25519"]).header["kid"] != rotated["kid"]

        async def signs():
            token = (await login(auth, user["email"]))[1]["access_token"]
            return jwt.decode(token, keys, algorithms=["Ed25519"]).header["kid"] == rotated["kid"]

        await until(signs, every_s=0.1)
        assert jwt.decode(old, await _keys(auth), algorithms=["Ed25519"]).claims["sub"] == user["user_id"]


async def test_the_key_survives_a_restart_and_is_stored_sealed(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        kids = {key.kid for key in (await _keys(auth)).keys}
        row = (await fetch("SELECT public_key, sealed_private_key FROM signing_keys"))[0]
        assert len(row["sealed_private_key"]) == 12 + 32 + 16
        async with auth_served(engines, prefix, database_url=auth.settings.database_url) as again:
            assert {key.kid for key in (await _keys(again)).keys} == kids


async def test_another_secret_makes_another_key_and_keeps_the_old_public_one(engines, prefix):
    secret = "another-internal-secret-0123456789abcdef"
    async with auth_served(engines, prefix) as auth:
        database_url = auth.settings.database_url
        async with auth_served(engines, prefix, database_url=database_url, internal_secret=secret) as again:
            assert len((await _keys(again)).keys) == 2
