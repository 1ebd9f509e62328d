"""Who says that money moved must prove it (security list 50 to 52)."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Collection
from typing import Any, Final
from uuid import uuid4

import msgspec

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import CHECKOUT, Order
from scenarios.probes.probe import Attack, probe

PSP: Final = "/api/v1/webhooks/psp"
GUESSES: Final = ("", "secret", "webhook", "shopstream", "whsec_test")
COPIES: Final = 8
OFF_S: Final = (301.0, -301.0, 86_400.0)
"""A signature is worth 300 s."""
APPLIED_LIMIT_S: Final = 20.0
POLL_S: Final = 0.1
BOOKS: Final = """
    SELECT p.status, p.captured_minor, p.extra_captured_minor, p.refunded_minor,
           (SELECT count(*) FROM audit.ledger l WHERE l.order_id = p.order_id) AS entries,
           (SELECT count(*) FROM audit.outbox o WHERE o.aggregate_id = p.id::text) AS told
    FROM payments p WHERE p.id = $1::uuid
"""


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


@probe(
    id="webhook-replay",
    title="A genuine report of a payment, sent again, late and out of order",
    severity=Severity.HIGH,
    cwe=294,
    owasp=Owasp.CONSUMPTION,
    remediation="Store each event once by its id, refuse old signatures, let one transition decide what is news.",
    services=CHECKOUT,
    reaches="payments",
)
async def webhook_replay(attack: Attack) -> None:
    """Every report is signed as the provider signs: what may stop it is that it is old, or known."""
    order, payment, capture = await _paid(attack, "replayed")
    before = await attack.site.rows("payments", BOOKS, payment)
    captured = _event("payment.captured", capture)
    copies = await asyncio.gather(*(_report(attack, captured) for _ in range(COPIES)))
    attack.require(copies == [200] * COPIES, f"a genuine report was refused: {copies}")
    again = _event("payment.captured", capture)
    late = [_event(f"payment.{kind}", capture) for kind in ("authorised", "declined", "voided", "expired")]
    for event in (again, *late):
        await _report(attack, event)
    for off_s in OFF_S:
        stale = _event("payment.captured", {**capture, "payment_id": f"pay_{uuid4().hex}"})
        status = await _report(attack, stale, age_s=off_s)
        if status != 401:
            attack.gained(f"a report signed {off_s:g} s ago was not refused ({status})")
    stored = await _applied(attack, [event["id"] for event in (captured, again, *late)])
    if stored != 2 + len(late):
        attack.gained(f"of {2 + len(late)} events and copies {stored} were stored")
    after = await attack.site.rows("payments", BOOKS, payment)
    if [tuple(row.values()) for row in before] != [tuple(row.values()) for row in after]:
        attack.gained(f"the books of the payment changed: {dict(before[0])} became {dict(after[0])}")
    if await attack.grounds.standing(order) in {"payment_failed", "cancelled"}:
        attack.gained("a late report undid a paid order")


@probe(
    id="webhook-mismatch",
    title="A report of a payment with another amount, currency or payment",
    severity=Severity.HIGH,
    cwe=354,
    owasp=Owasp.CONSUMPTION,
    remediation="Compare amount and currency with what is owed, of known captures too; let a person see what differs.",
    services=CHECKOUT,
    reaches="payments",
)
async def webhook_mismatch(attack: Attack) -> None:
    for what, change in (
        ("amount", {"amount_minor": 1}),
        ("currency", {"currency": "JPY"}),
        ("payment", {"payment_id": f"pay_{uuid4().hex}"}),
    ):
        _, payment, capture = await _paid(attack, f"mismatched-{what}")
        before = await attack.site.rows("payments", BOOKS, payment)
        event = _event("payment.captured", {**capture, **change})
        status = await _report(attack, event)
        attack.require(status == 200, f"a signed report was refused: {status}")
        await _applied(attack, [event["id"]])
        after = await attack.site.rows("payments", BOOKS, payment)
        if [tuple(row.values()) for row in before] != [tuple(row.values()) for row in after]:
            attack.gained(f"a capture of another {what} changed the books")
        (row,) = await attack.site.rows("payments", "SELECT review FROM payments WHERE id = $1::uuid", payment)
        if row["review"] is None:
            attack.gained(f"a capture of another {what} is looked at by nobody")


async def _paid(attack: Attack, who: str) -> tuple[Order, str, dict[str, Any]]:
    """An order that is paid for, its payment, and what the provider says of its capture."""
    order = await attack.grounds.order(who)
    payment = await attack.grounds.payment_of(order)
    await attack.grounds.paid(order)
    (row,) = await attack.site.rows(
        "payments", "SELECT psp_payment_id, amount_minor, currency FROM payments WHERE id = $1::uuid", payment
    )
    await _settled(attack, order)
    capture = {
        "payment_id": row["psp_payment_id"],
        "merchant_reference": order.id,
        "amount_minor": row["amount_minor"],
        "currency": row["currency"],
    }
    return order, payment, capture


async def _settled(attack: Attack, order: Order) -> None:
    """Wait until the provider's own report of the capture has come: it is not to be taken for an effect of ours."""
    until = time.monotonic() + APPLIED_LIMIT_S
    query = "SELECT 1 FROM webhooks WHERE payload::text LIKE '%' || $1 || '%' AND applied_at IS NOT NULL"
    while not await attack.site.rows("payments", query, order.id) and time.monotonic() < until:
        await asyncio.sleep(POLL_S)


def _event(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"evt_{uuid4().hex}", "type": kind, "created": int(time.time()), "data": data}


async def _report(attack: Attack, event: dict[str, Any], *, age_s: float = 0.0) -> int:
    """The answer to an event that is signed as the provider signs."""
    body = msgspec.json.encode(event)
    headers = {"Content-Type": "application/json", "X-Signature": attack.site.signed(body, age_s=age_s)}
    return (await attack.ask("POST", PSP, data=body, headers=headers)).status


async def _applied(attack: Attack, event_ids: Collection[str]) -> int:
    """How many of these events are stored, each with its copies, once all are applied."""
    until = time.monotonic() + APPLIED_LIMIT_S
    query = """SELECT count(*) AS stored, count(applied_at) AS applied FROM webhooks
               WHERE split_part(event_id, '#', 1) = ANY($1::text[])"""
    while True:
        (row,) = await attack.site.rows("payments", query, list(event_ids))
        if row["stored"] == row["applied"] >= len(event_ids):
            return row["stored"]
        attack.require(time.monotonic() < until, "a stored report was never applied")
        await asyncio.sleep(POLL_S)


PROBES: Final = (webhook_forgery, webhook_replay, webhook_mismatch)
