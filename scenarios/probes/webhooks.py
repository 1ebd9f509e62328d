"""Who says that money moved must prove it (security list 50 to 52)."""

import hashlib
import hmac
import time
from typing import Final
from uuid import uuid4

import msgspec

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

PSP: Final = "/api/v1/webhooks/psp"
GUESSES: Final = ("", "secret", "webhook", "shopstream", "whsec_test")


@probe(
    id="webhook-forgery",
    title="A payment reported by somebody else than the provider",
    severity=Severity.CRITICAL,
    cwe=345,
    owasp=Owasp.CONSUMPTION,
    remediation="Verify the signature over the raw body and its age, before anything is read of it.",
    services=("gateway", "auth", "payments"),
    reaches="payments",
)
async def webhook_forgery(attack: Attack) -> None:
    event_id = f"evt_{uuid4().hex}"
    data = {"payment_id": "p", "merchant_reference": str(uuid4()), "amount_minor": 1, "currency": "EUR"}
    event = {"id": event_id, "type": "payment.captured", "created": int(time.time()), "data": data}
    body = msgspec.json.encode(event)
    now = str(int(time.time()))
    signed = {
        guess: hmac.new(guess.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest() for guess in GUESSES
    }
    signatures = [None, "", f"t={now}", f"t={now},v1=", f"t={now},v1={'0' * 64}", f"v1={'0' * 64}"]
    signatures += [f"t={now},v1={one}" for one in signed.values()]
    for signature in signatures:
        headers = {"Content-Type": "application/json"} | ({} if signature is None else {"X-Signature": signature})
        reply = await attack.ask("POST", PSP, data=body, headers=headers)
        if reply.status < 300:
            attack.gained(f"a report with the signature {signature!r} was believed")
    if await attack.site.rows("payments", "SELECT 1 FROM webhooks WHERE event_id = $1", event_id):
        attack.gained("a forged report was stored")


PROBES: Final = (webhook_forgery,)
