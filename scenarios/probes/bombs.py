"""Small requests that cost much (security list 67 to 69)."""

import asyncio
import gzip
from typing import Final
from urllib.parse import quote

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, Reply, probe

SECONDS_MAX: Final = 2.0
LOGIN: Final = "/api/v1/auth/login"
REGISTER: Final = "/api/v1/auth/register"


@probe(
    id="body-bombs",
    title="Bodies that are small to send and dear to read",
    severity=Severity.MEDIUM,
    cwe=400,
    owasp=Owasp.RESOURCES,
    remediation="Bound the size of a body before it is read, and its depth and length while it is decoded.",
    services=("gateway", "auth"),
    reaches="auth",
)
async def body_bombs(attack: Attack) -> None:
    kinds = {
        "two megabytes": b'{"email": "' + b"a" * 2_000_000 + b'"}',
        "a hundred thousand brackets": b"[" * 100_000,
        "depth with an end": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        "fifty thousand members": b"{" + b",".join(b'"k%d":1' % number for number in range(50_000)) + b"}",
        "a password of a megabyte": b'{"email": "a@b.example", "password": "' + b"p" * 900_000 + b'"}',
        "a number of a megabyte": b'{"email": ' + b"9" * 900_000 + b"}",
    }
    json = {"Content-Type": "application/json"}
    for what, body in kinds.items():
        reply = await attack.ask("POST", LOGIN, data=body, headers=json)
        if reply.status >= 500 or reply.status < 400:
            attack.gained(f"{what}: {reply.status}")
        if reply.seconds > SECONDS_MAX:
            attack.gained(f"{what}: took {reply.seconds:.1f} s")
    packed = await asyncio.to_thread(_packed)  # honest customers live in this loop too
    reply = await attack.ask("POST", LOGIN, data=packed, headers={**json, "Content-Encoding": "gzip"})
    if not 400 <= reply.status < 500 or reply.seconds > SECONDS_MAX:
        attack.gained(f"a packed body of fifty megabytes: {reply.status} after {reply.seconds:.1f} s")


def _packed() -> bytes:
    """Fifty megabytes in fifty kilobytes."""
    return gzip.compress(b'{"email": "' + b"a" * 50_000_000 + b'"}', compresslevel=1)


@probe(
    id="slow-patterns",
    title="Texts that some patterns read again and again",
    severity=Severity.MEDIUM,
    cwe=1333,
    owasp=Owasp.RESOURCES,
    remediation="Match with patterns that never go back over what they have read, on texts of a bounded length.",
    services=("gateway", "auth", "catalog"),
    reaches="catalog",
)
async def slow_patterns(attack: Attack) -> None:
    repeated = {
        "letters and a bang": "a" * 6_000 + "!",
        "at signs": "@" * 6_000,
        "dots": "a." * 3_000 + "@",
        "blanks": "+" * 6_000 + "x",
        "digits": "1" * 6_000 + "e",
        "slashes": "a/" * 3_000 + "?",
    }
    for what, text in repeated.items():
        for parameter in ("q", "category", "skus", "cursor"):
            reply = await attack.ask("GET", f"/api/v1/products?{parameter}={quote(text, safe='+')}")
            _bounded(attack, reply, f"{what} as {parameter}")
        reply = await attack.ask("GET", f"/api/v1/products/{quote(text, safe='')}")
        _bounded(attack, reply, f"{what} as a product")
        body = {"email": text, "password": text, "name": text}
        _bounded(attack, await attack.ask("POST", REGISTER, json=body), f"{what} as an account")


def _bounded(attack: Attack, reply: Reply, what: str) -> None:
    if reply.seconds > SECONDS_MAX or reply.status >= 500:
        attack.gained(f"{what}: {reply.status} after {reply.seconds:.1f} s")


PROBES: Final = (body_bombs, slow_patterns)
