"""Addresses that lead the shop itself inside (security list 39 and 40)."""

import asyncio
from typing import Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

WEBHOOKS: Final = "/api/v1/notifications/webhooks"
INSIDE: Final = (
    "https://127.0.0.1:{port}/",
    "https://localhost:{port}/",
    "https://127.1:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://[::1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://0.0.0.0:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://user:pass@127.0.0.1:{port}/",
    "https://hooks.example.com@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@example.com/",
    "http://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/",
    "file:///etc/passwd",
)


@probe(
    id="ssrf-webhook",
    title="A seller's webhook that leads inside",
    severity=Severity.HIGH,
    cwe=918,
    owasp=Owasp.SSRF,
    remediation="Resolve the host, refuse addresses that are not public, and connect to what was checked.",
    services=("gateway", "auth", "notifications"),
    reaches="notifications",
)
async def ssrf_webhook(attack: Attack) -> None:
    seller = await attack.grounds.person("seller", "seller")
    called = 0

    async def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal called
        called += 1
        writer.close()

    listener = await asyncio.start_server(count, host="127.0.0.1", port=0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        for url in INSIDE:
            wanted = {"url": url.format(port=port), "events": ["order.paid"]}
            reply = await attack.ask("POST", WEBHOOKS, by=seller, json=wanted)
            if reply.status < 300:
                attack.gained(f"{url} was taken for a webhook")
                await attack.ask("DELETE", f"{WEBHOOKS}/{reply.json['id']}", by=seller)
    if called:
        attack.gained(f"something inside was called {called} ×")


PROBES: Final = (ssrf_webhook,)
