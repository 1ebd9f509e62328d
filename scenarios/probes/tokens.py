"""Tokens that nobody was given: forged, foreign, stale (security list 20 to 26)."""

import asyncio
import base64
import hashlib
import hmac
from functools import partial
from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.jwk import OKPKey

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import Person
from scenarios.probes.probe import Attack, Reply, probe

DOOR: Final = ("gateway", "auth")
ME: Final = "/api/v1/auth/me"
REMEDIATION: Final = "Verify with one fixed algorithm and the issuer's own keys; check every claim; believe no header."
GUESSABLE: Final = ("secret", "shopstream", "password", "changeme", "jwt-secret", "")
STALE_AFTER_S: Final = 2.2
Part = dict[str, Any]


def encoded(part: Any) -> str:
    """A part of a token: base64url without padding."""
    raw = part if isinstance(part, bytes) else msgspec.json.encode(part)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(token: str) -> tuple[Part, Part]:
    """Header and claims of a token, unverified."""
    header, claims, _ = token.split(".")
    return _part(header), _part(claims)


def _part(text: str) -> Part:
    return msgspec.json.decode(base64.urlsafe_b64decode(text + "=="), type=Part)


def keyed(header: Part, claims: Part, secret: bytes) -> str:
    """Signed with a shared secret."""
    signed = f"{encoded({**header, 'alg': 'HS256'})}.{encoded(claims)}"
    return f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def admitted(attack: Attack, reply: Reply, victim: Person, how: str) -> None:
    """Whether a token that must be worthless speaks for its victim."""
    if reply.status == 200 and victim.user_id in reply.text:
        attack.gained(f"{how}: signed in as {victim.email}")


async def genuine(attack: Attack) -> tuple[Person, Part, Part]:
    """A victim with the parts of a token that is really hers."""
    victim = await attack.grounds.person("alice")
    attack.require((await attack.ask("GET", ME, by=victim)).status == 200, "the victim's own token is refused")
    return (victim, *decoded(victim.access_token))


forgery = partial(
    probe,
    severity=Severity.CRITICAL,
    cwe=347,
    owasp=Owasp.AUTHENTICATION,
    remediation=REMEDIATION,
    services=DOOR,
    reaches="gateway",
)
"""An attack of this family, unless it says otherwise."""


@forgery(id="token-none", title="Access token without a signature")
async def token_none(attack: Attack) -> None:
    victim, header, claims = await genuine(attack)
    for algorithm in ("none", "None", "NONE", "nOnE", ""):
        forged = f"{encoded({**header, 'alg': algorithm})}.{encoded(claims)}."
        admitted(attack, await attack.ask("GET", ME, token=forged), victim, f"alg {algorithm!r}")


@forgery(id="token-key-confusion", title="Access token signed with the public key as a shared secret")
async def token_key_confusion(attack: Attack) -> None:
    victim, header, claims = await genuine(attack)
    keys = await attack.ask("GET", "/.well-known/jwks.json")
    for key in keys.json["keys"]:
        raw = base64.urlsafe_b64decode(key["x"] + "==")
        for secret in (raw, key["x"].encode(), msgspec.json.encode(key)):
            forged = keyed({**header, "kid": key["kid"]}, claims, secret)
            admitted(attack, await attack.ask("GET", ME, token=forged), victim, "HS256 with the public key")


@forgery(
    id="token-weak-secret",
    title="Access token signed with a secret that can be guessed",
    cwe=1391,
    remediation="Sign with a private key that never leaves the issuer; refuse shared secrets.",
)
async def token_weak_secret(attack: Attack) -> None:
    victim, header, claims = await genuine(attack)
    for secret in GUESSABLE:
        forged = keyed(header, claims, secret.encode())
        admitted(attack, await attack.ask("GET", ME, token=forged), victim, f"HS256 with {secret!r}")


@forgery(
    id="token-own-key",
    title="Access token that brings the key it is to be verified with",
    remediation="Choose the key by its id among the issuer's; refuse jwk, jku, x5u, x5c and crit.",
)
async def token_own_key(attack: Attack) -> None:
    victim, header, claims = await genuine(attack)
    mine = OKPKey.generate_key("Ed25519", {"kid": header["kid"]})
    public = mine.as_dict(private=False)
    for extra in ({}, {"jwk": public}, {"jku": f"{attack.site.url('gateway')}/keys"}, {"x5u": "http://127.0.0.1/"}):
        forged = jwt.encode({**header, **extra}, claims, mine, algorithms=["Ed25519", "EdDSA"])
        how = ", ".join(extra) or "a foreign key under a known id"
        admitted(attack, await attack.ask("GET", ME, token=forged), victim, how)


@forgery(
    id="token-expired",
    title="Access token after its end",
    severity=Severity.HIGH,
    cwe=613,
    remediation="Refuse tokens past their exp, remembered ones too; bound how long any token may live.",
)
async def token_expired(attack: Attack) -> None:
    victim = await attack.grounds.person("alice")
    wanted = {"subjects": [victim.user_id], "ttl_s": 1}
    short, never_shown = [
        (await attack.site.call("auth", "POST", "/internal/tokens", json=wanted))["items"][0]["access_token"]
        for _ in range(2)
    ]
    await attack.ask("GET", ME, by=victim, token=short)
    await asyncio.sleep(STALE_AFTER_S)  # what is waited for is the token's end, by its own claim
    for token, how in ((short, "a token that was used before its end"), (never_shown, "a token never seen before")):
        reply = await attack.ask("GET", ME, token=token)
        admitted(attack, reply, victim, how)
        await attack.let_through(reply, "auth", how)


@forgery(
    id="token-claims",
    title="Access token with other claims under its old signature",
    cwe=345,
)
async def token_claims(attack: Attack) -> None:
    victim, header, claims = await genuine(attack)
    mallory = await attack.grounds.person()
    own_header, own_claims = decoded(mallory.access_token)
    signature = mallory.access_token.rpartition(".")[2]
    for changed in ({"sub": victim.user_id}, {"roles": ["admin"]}, {"exp": own_claims["exp"] + 86_400}):
        forged = f"{encoded(own_header)}.{encoded({**own_claims, **changed})}.{signature}"
        reply = await attack.ask("GET", ME, token=forged)
        if reply.status == 200:
            attack.gained(f"{', '.join(changed)} changed under the old signature")
    for worthless in (f"{encoded(header)}.{encoded(claims)}.", "..", "rt_" + "a" * 43, victim.user_id):
        admitted(attack, await attack.ask("GET", ME, token=worthless), victim, "a token that is none")


PROBES: Final = (token_none, token_key_confusion, token_weak_secret, token_own_key, token_expired, token_claims)
