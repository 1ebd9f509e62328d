"""Small requests that cost much (security list 67 to 69)."""

import asyncio
import gzip
from typing import Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

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


PROBES: Final = (body_bombs,)
