"""The PSP behind its API: every effect is journalled, then applied, then owed as a webhook.

It knows nothing of HTTP but the refusals it raises.
"""

import time
from pathlib import Path

import msgspec

from scenarios.world.http_api import ApiError
from scenarios.world.journal_writer import JournalWriter
from scenarios.world.journals import PSP_JOURNAL, PspRecord, iterate
from scenarios.world.psp.behaviour import (
    Behaviour,
    Fault,
    Method,
    decline_code_of,
    fault_of,
    webhook_overtakes,
)
from scenarios.world.psp.payments import Payments, attempted, new_payment_id
from scenarios.world.webhooks import WebhookSender, new_event_id


class Provider:
    """Ties payments, faults, journal and webhooks together."""

    def __init__(self, folder: Path, *, webhook_url: str, signing_secret: str) -> None:
        """Rebuilds its state from the journal in `folder`. Raises JournalInUseError."""
        self.journal: JournalWriter[PspRecord] = JournalWriter(folder / PSP_JOURNAL)
        self.webhooks = WebhookSender(self.journal, PspRecord, url=webhook_url, signing_secret=signing_secret)
        self.payments = Payments()
        self.behaviour = Behaviour()
        history = list(iterate(folder / PSP_JOURNAL, PspRecord))
        self.payments.load(history)
        self.webhooks.resume(history)
        for record in history:
            if record.kind == "behaviour":
                self.behaviour = msgspec.json.decode(record.behaviour, type=Behaviour)

    def fault(self, line: PspRecord, operation: str, method: Method) -> Fault:
        """The fault of this request; the 500 before any effect is raised here."""
        fault = fault_of(
            self.behaviour,
            operation,
            reference=line.merchant_reference,
            attempt=self.payments.attempts[attempted(line)] + 1,
            method=method,
        )
        if fault is Fault.ERROR_THEN_SUCCESS:
            self.note("error", line)
            raise ApiError(500, "internal_error", "try again")
        return fault

    def charge(self, line: PspRecord, method: Method, *, capture: bool) -> list[PspRecord]:
        """The lines of a new payment: authorised, captured or declined."""
        decline_code = decline_code_of(self.behaviour, reference=line.merchant_reference, method=method)
        replace = msgspec.structs.replace
        line = replace(line, payment_id=new_payment_id())
        if decline_code:
            declined = replace(line, kind="decline", status="declined", decline_code=decline_code)
            return [declined, self.webhook("payment.declined", declined)]
        if not capture:
            until = int(time.time() + self.behaviour.authorisation_s)
            held = replace(line, kind="authorise", status="authorised", authorised_until=until)
            return [held, self.webhook("payment.authorised", held)]
        authorised = replace(line, kind="authorise", status="captured")
        captured = replace(line, kind="capture", status="captured")
        return [authorised, captured, self.webhook("payment.captured", captured)]

    async def commit(self, lines: list[PspRecord]) -> None:
        """Journal, then let it take effect, then owe the webhook; an early webhook is delivered at once."""
        if not self.webhooks.url:
            lines = [line for line in lines if line.kind != "webhook_queued"]
        self.journal.append_many(lines)
        for line in lines:
            self.payments.apply(line)
        queued = lines[-1]
        if queued.kind != "webhook_queued":
            return
        early = webhook_overtakes(self.behaviour, reference=queued.merchant_reference)
        self.webhooks.schedule(queued, self.behaviour.webhooks, skip_copies=1 if early else 0)
        if early:
            await self.webhooks.deliver_early(queued)

    def note(self, kind: str, line: PspRecord, *, detail: str = "") -> None:
        """Journal something that moved no money."""
        noted = msgspec.structs.replace(line, kind=kind, detail=detail)
        self.payments.apply(self.journal.append(noted))

    def webhook(self, event_type: str, line: PspRecord) -> PspRecord:
        """The line that owes the merchant a webhook about `line`."""
        event_id = new_event_id()
        now = time.time()
        data: dict[str, str | int] = {
            "payment_id": line.payment_id,
            "merchant_reference": line.merchant_reference,
            "amount_minor": line.amount_minor,
            "currency": line.currency,
            "status": line.status,
        }
        if line.authorised_until:
            data["authorised_until"] = line.authorised_until
        if line.decline_code:
            data["decline_code"] = line.decline_code
        if line.dispute_id:
            data |= {"dispute_id": line.dispute_id, "reason": line.reason}
        if line.refund_id:
            data["refund_id"] = line.refund_id
            data["payment_reference"] = line.payment_reference
        payload = {"id": event_id, "type": event_type, "created": int(now), "data": data}
        return PspRecord(
            kind="webhook_queued",
            event_id=event_id,
            event_type=event_type,
            copies=self.behaviour.webhook_copies,
            due_at=now + self.behaviour.webhook_delay_s,
            payload=msgspec.Raw(msgspec.json.encode(payload)),
            payment_id=line.payment_id,
            refund_id=line.refund_id,
            merchant_reference=line.merchant_reference,
            trace_id=line.trace_id,
        )

    def behave(self, behaviour: Behaviour) -> None:
        """Change the programme; it outlives a kill."""
        encoded = msgspec.Raw(msgspec.json.encode(behaviour))
        self.note("behaviour", PspRecord(behaviour=encoded))
        self.behaviour = behaviour

    async def stop(self) -> None:
        """Stop sending and release the journal; an orderly stop ends the programme. Safe to repeat."""
        await self.webhooks.stop()
        if self.behaviour != Behaviour():
            self.behave(Behaviour())
        self.journal.close()
