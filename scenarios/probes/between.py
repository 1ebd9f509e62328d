"""Whoever stands between reader and shop: split headers, poisoned and deceived caches (security list 47 and 49)."""

from typing import Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

DOOR: Final = ("gateway", "auth", "catalog")
SPLIT: Final = "%0d%0aX-Injected:%20yes"
STATIC: Final = ("/x.css", "/logo.png", ";.css", "%2f.css", "%00.css", "?x=.css", "/..%2fx.js")
UNKEYED: Final = ("X-Forwarded-Host", "X-Host", "X-Forwarded-Server", "X-Original-Host", "Forwarded")
EVIL: Final = "evil.example"


@probe(
    id="header-splitting",
    title="Line ends that become headers of an answer",
    severity=Severity.MEDIUM,
    cwe=113,
    owasp=Owasp.CONFIGURATION,
    remediation="Put no text of a caller's into a header; refuse line ends, encoded ones too.",
    services=DOOR,
    reaches="gateway",
)
async def header_splitting(attack: Attack) -> None:
    for path in (
        f"/api/v1/products?q={SPLIT}",
        f"/api/v1/products/{SPLIT}",
        f"/api/v1/{SPLIT}",
        f"/{SPLIT}/api/v1/products",
        f"/api/v1/products?cursor={SPLIT}",
    ):
        reply = await attack.ask("GET", path)
        if "X-Injected" in reply.headers:
            attack.gained(f"{path} set a header of the answer")
    for value in (b"a\r\n X-Injected: yes", b"a\nX-Injected: yes", b"a\rX-Injected: yes", b"a\x00b"):
        request = b"GET /api/v1/products HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: " + value
        answer = await attack.raw(request + b"\r\n\r\n")
        if b"x-injected" in answer.partition(b"\r\n\r\n")[0].lower():
            attack.gained(f"the header {value!r} came back as two")
    letter = {"email": f"split-{attack.grounds.name}@attack.example", "password": f"horse {attack.grounds.name} 4"}
    for name in ("Eve\r\nBcc: everybody@evil.example", "Eve\nSubject: yours", "Eve\x00"):
        reply = await attack.ask("POST", "/api/v1/auth/register", json={**letter, "name": name})
        if not 400 <= reply.status < 500:
            attack.gained(f"the name {name!r} was taken for a letter ({reply.status})")


@probe(
    id="deceived-cache",
    title="Private answers that a cache would keep for everybody",
    severity=Severity.HIGH,
    cwe=525,
    owasp=Owasp.CONFIGURATION,
    remediation="Answer a path whole or not at all; say no-store on what is one person's; build no link of headers.",
    services=DOOR,
    reaches="gateway",
)
async def deceived_cache(attack: Attack) -> None:
    alice = await attack.grounds.person("alice")
    for ending in STATIC:
        reply = await attack.ask("GET", f"/api/v1/auth/me{ending}", by=alice)
        kept = "no-store" not in reply.headers.get("Cache-Control", "")
        if alice.email in reply.text and kept:
            attack.gained(f"/auth/me{ending} shows {alice.email}, and may be stored")
    for path in ("/api/v1/products", "/openapi/openapi.json", "/", "/api/v1/nothing"):
        for header in UNKEYED:
            value = f"host={EVIL}" if header == "Forwarded" else EVIL
            reply = await attack.ask("GET", path, headers={header: value})
            if EVIL in reply.text or any(EVIL in told for told in reply.headers.values()):
                attack.gained(f"{path} repeats {header}")


PROBES: Final = (header_splitting, deceived_cache)
