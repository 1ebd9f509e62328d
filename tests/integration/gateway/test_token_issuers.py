"""One suite for who issues access tokens: auth, and the issuer that the gateway's other tests have in its place."""

import json
from base64 import urlsafe_b64decode
from contextlib import asynccontextmanager
from types import SimpleNamespace

import msgspec
import pytest

from svc.gateway.user_tokens import InvalidToken, KeySet, UserTokens
from tests.support.auth_steps import auth_served, login, register
from tests.support.fakes.token_issuer import JWKS_PATH, TokenIssuer

pytestmark = [pytest.mark.service("gateway", "auth"), pytest.mark.feature("access tokens")]

EMAIL = "ann@example.com"


@asynccontextmanager
async def issued(engines, prefix, kind):
    """A token, and the key set of whoever issued it."""
    if kind == "fake":
        issuer = TokenIssuer()
        yield issuer.token(email=EMAIL), issuer.documents[JWKS_PATH]
        return
    async with auth_served(engines, prefix) as auth:
        await register(auth, EMAIL)
        _, signed_in = await login(auth, EMAIL)
        _, keys = await auth.call("GET", JWKS_PATH, anonymous=True)
        yield signed_in["access_token"], keys


def part(token, place):
    text = token.split(".")[place]
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@pytest.mark.parametrize("kind", ["fake", "real"])
async def test_a_token_says_the_same_things_and_is_verified_by_its_issuers_keys_alone(engines, prefix, kind):
    async with issued(engines, prefix, kind) as (token, documents):
        header, claims = part(token, 0), part(token, 1)
        assert (sorted(header), header["alg"], header["typ"]) == (["alg", "kid", "typ"], "Ed25519", "at+jwt")
        assert {"iss", "aud", "sub", "sid", "roles", "email", "iat", "exp"} <= claims.keys()
        assert (claims["iss"], claims["aud"], claims["exp"] - claims["iat"]) == ("shopstream", "shopstream-api", 600)
        assert header["kid"] in {key["kid"] for key in documents["keys"]}

        async def keys_of(told):
            return msgspec.convert(told, KeySet)

        nobody = SimpleNamespace(revoked=frozenset())
        principal = await UserTokens(lambda: keys_of(documents), nobody).verify(token)
        assert (principal.subject, principal.email) == (claims["sub"], EMAIL)
        assert principal.roles == frozenset({"customer"})
        strangers = TokenIssuer(header["kid"]).documents[JWKS_PATH]
        with pytest.raises(InvalidToken):
            await UserTokens(lambda: keys_of(strangers), nobody).verify(token)
