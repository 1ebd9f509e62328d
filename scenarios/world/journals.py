"""The journals of the world, as judges read them: one struct per file, one JSON object per line.

Reading never changes a file. A torn last line (the writer was killed in mid-write) is left out: nobody was
answered on the strength of it. A damaged line anywhere else is an error, because a witness with holes is none.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from compose.growing_file import GrowingFile

PSP_JOURNAL = "psp.jsonl"
CARRIER_JOURNAL = "carrier.jsonl"
SMTP_JOURNAL = "smtp.jsonl"
SMS_JOURNAL = "sms.jsonl"
TAP_JOURNAL = "tap.jsonl"
FAULTS_JOURNAL = "faults.jsonl"
EXCHANGE_JOURNAL = "exchange.jsonl"
MAIL_FOLDER = "mail"
FOLLOW_PAUSE_S = 0.2
FAULT_HEADER = "fault"
"""Of a record on the broker that a fault wrote: its name."""
REASON_HEADER = "reason"
"""Why consumers must refuse it."""


class JournalDamagedError(Exception):
    """A line that is not the last one cannot be read."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}: line {line}: {reason}")
        self.path = path
        self.line = line


class Record(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What every line has: `n` counts from 1 per journal without gaps, `at` is epoch seconds (UTC)."""

    n: int = 0
    at: float = 0.0
    kind: str = ""


class WebhookRecord(Record, kw_only=True, omit_defaults=True):
    """Fields of the lines about webhooks.

    `webhook_queued` carries the body and the number of copies, `webhook_sent` one delivered copy (2xx),
    `webhook_failed` one attempt that was not answered by a 2xx; `gave_up` marks the last one of a copy.
    """

    event_id: str = ""
    event_type: str = ""
    copies: int = 0
    copy: int = 0
    attempt: int = 0
    answer_status: int = 0
    early: bool = False
    gave_up: bool = False
    due_at: float = 0.0
    payload: msgspec.Raw = msgspec.Raw()
    trace_id: str = ""
    detail: str = ""

    @property
    def subject(self) -> str:
        """What the merchant calls the thing this line is about."""
        return ""


class PspRecord(WebhookRecord, kw_only=True, omit_defaults=True):
    """One line of psp.jsonl. `dispute_opened` withholds money, `dispute_won` gives it to us, `dispute_lost` leaves it.

    Money moved: `authorise`, `capture`, `decline`, `void`, `refund` (for a refund `merchant_reference` is the
    refund's, `payment_reference` the order's). No money moved: `replayed` (an idempotent answer), `refused`,
    `error` (a 500 before any effect), `withheld` (the effect is made, the answer never sent), `slowed`.
    Operator: `behaviour`. The rest are webhook lines. `operation` is `capture` or `void` where one was asked for by
    itself; `authorised_until` is in epoch seconds.
    """

    operation: str = ""
    authorised_until: int = 0
    payment_id: str = ""
    merchant_reference: str = ""
    payment_reference: str = ""
    amount_minor: int = 0
    currency: str = ""
    idempotency_key: str = ""
    fingerprint: str = ""
    payment_method: str = ""
    status: str = ""
    decline_code: str = ""
    refund_id: str = ""
    dispute_id: str = ""
    reason: str = ""
    behaviour: msgspec.Raw = msgspec.Raw()
    mailpit_id: str = ""

    @property
    def subject(self) -> str:
        """The merchant's reference of the payment or refund."""
        return self.merchant_reference


class CarrierRecord(WebhookRecord, kw_only=True, omit_defaults=True):
    """One line of carrier.jsonl: `label`, `handed_over`, `in_transit`, `delivered`, `replayed`, `error`,
    `slowed`, `behaviour` and the webhook lines.
    """

    tracking_number: str = ""
    shipment_id: str = ""
    order_id: str = ""
    service: str = ""
    country: str = ""
    weight_g: int = 0
    idempotency_key: str = ""
    fingerprint: str = ""
    behaviour: msgspec.Raw = msgspec.Raw()
    mailpit_id: str = ""

    @property
    def subject(self) -> str:
        """The merchant's shipment."""
        return self.shipment_id


class SmtpRecord(Record, kw_only=True, omit_defaults=True, rename={"sender": "from", "recipients": "to"}):
    """One line of smtp.jsonl: `accepted` (body in mail/<n>.eml), `deferred` (answered 451), `refused` (550, nobody
    has that address), `behaviour`.

    template, event_id and order_id come from the headers X-Shopstream-Template, -Event and -Order, `amount` from
    X-Shopstream-Amount. `body_sha256` is that of what people read: two mails that say the same have the same.
    """

    message_id: str = ""
    sender: str = ""
    recipients: list[str] = []
    subject: str = ""
    template: str = ""
    event_id: str = ""
    order_id: str = ""
    amount: str = ""
    trace_id: str = ""
    body_sha256: str = ""
    size: int = 0
    behaviour: msgspec.Raw = msgspec.Raw()
    mailpit_id: str = ""


class MessageRecord(Record, kw_only=True, omit_defaults=True, rename={"recipient": "to"}):
    """One line of sms.jsonl. Taken: `sms`, `push`. Nothing was sent by `replayed` (a known reference again),
    `refused` (nobody there), `error` (a 500 before any effect) and `withheld` (taken, but never answered). Operator:
    `behaviour`.
    """

    message_id: str = ""
    recipient: str = ""
    title: str = ""
    text: str = ""
    reference: str = ""
    trace_id: str = ""
    behaviour: msgspec.Raw = msgspec.Raw()
    mailpit_id: str = ""


class TapRecord(Record, kw_only=True, omit_defaults=True):
    """One line of tap.jsonl: `record`, or `rewound` when a topic was found shorter than what was already read.

    `order_id` is the order the event's data names, whatever its aggregate; empty when it names none.
    """

    topic: str = ""
    partition: int = 0
    offset: int = 0
    key: str = ""
    event_id: str = ""
    type: str = ""
    version: int = 0
    aggregate_id: str = ""
    aggregate_version: int = 0
    order_id: str = ""
    occurred_at: str = ""
    trace_id: str = ""
    timestamp_ms: int = 0
    bytes: int = 0
    undecodable: bool = False
    headers: dict[str, str] = {}

    @property
    def is_of_fault(self) -> bool:
        """Whether a fault wrote it, and no service."""
        return FAULT_HEADER in self.headers

    @property
    def place(self) -> str:
        """The record's coordinates, for people."""
        return f"{self.topic}/{self.partition}@{self.offset}"

    def is_about(self, order_id: str) -> bool:
        """Whether the order is the event's aggregate, or named in its data."""
        return order_id in (self.aggregate_id, self.order_id)


class FaultRecord(Record, kw_only=True, omit_defaults=True):
    """One line of faults.jsonl: a link was changed, healed or closed; its whole state after it."""

    proxy: str = ""
    state: msgspec.Raw = msgspec.Raw()


class ExchangeRecord(Record, kw_only=True, omit_defaults=True):
    """One line of exchange.jsonl: `quoted` or `changed`; `rate` is a decimal string, `quote` per one `base`."""

    base: str = ""
    quote: str = ""
    rate: str = ""
    trace_id: str = ""


class Journals(msgspec.Struct, frozen=True):
    """All journals of one world, in memory."""

    psp: list[PspRecord]
    carrier: list[CarrierRecord]
    smtp: list[SmtpRecord]
    sms: list[MessageRecord]
    tap: list[TapRecord]
    faults: list[FaultRecord]
    exchange: list[ExchangeRecord] = []


class Marks(msgspec.Struct, frozen=True):
    """The last `n` of each journal at one moment; a run reads from its marks on."""

    psp: int = 0
    carrier: int = 0
    smtp: int = 0
    sms: int = 0
    tap: int = 0
    faults: int = 0
    exchange: int = 0


R = TypeVar("R", bound=Record)
S = TypeVar("S", bound=msgspec.Struct)


def read_journals(directory: Path, since: Marks = Marks()) -> Journals:  # noqa: B008 - a frozen value
    """Load every journal of `directory` after `since`; a journal that does not exist yet is empty.

    Raises JournalDamagedError.
    """
    return Journals(
        psp=read(directory / PSP_JOURNAL, PspRecord, after=since.psp),
        carrier=read(directory / CARRIER_JOURNAL, CarrierRecord, after=since.carrier),
        smtp=read(directory / SMTP_JOURNAL, SmtpRecord, after=since.smtp),
        sms=read(directory / SMS_JOURNAL, MessageRecord, after=since.sms),
        tap=read(directory / TAP_JOURNAL, TapRecord, after=since.tap),
        faults=read(directory / FAULTS_JOURNAL, FaultRecord, after=since.faults),
        exchange=read(directory / EXCHANGE_JOURNAL, ExchangeRecord, after=since.exchange),
    )


def marks(directory: Path) -> Marks:
    """Where every journal of `directory` ends now."""
    return Marks(
        psp=last_n(directory / PSP_JOURNAL),
        carrier=last_n(directory / CARRIER_JOURNAL),
        smtp=last_n(directory / SMTP_JOURNAL),
        sms=last_n(directory / SMS_JOURNAL),
        tap=last_n(directory / TAP_JOURNAL),
        faults=last_n(directory / FAULTS_JOURNAL),
        exchange=last_n(directory / EXCHANGE_JOURNAL),
    )


def read(path: Path, record: type[R], *, after: int = 0) -> list[R]:
    """The records of one journal with n > `after`. Raises JournalDamagedError."""
    return [entry for entry in iterate(path, record) if entry.n > after]


def follow(path: Path, record: type[R]) -> Iterator[list[R]]:
    """Yield the records a journal holds, even when there are none, then each time those written since; never ends.

    A journal that got shorter was started anew and is read from its beginning. Raises JournalDamagedError.
    """
    decode = msgspec.json.Decoder(record).decode
    journal = GrowingFile(path)
    while True:
        lines = journal.new_lines()
        batch: list[R] = []
        for number, line in enumerate(lines, start=journal.lines_given - len(lines) + 1):
            try:
                batch.append(decode(line))
            except msgspec.MsgspecError as error:
                raise JournalDamagedError(path, number, str(error)) from error
        yield batch
        if not batch:
            time.sleep(FOLLOW_PAUSE_S)


def iterate(path: Path, record: type[S]) -> Iterator[S]:
    """Yield the lines of one journal in order, as any struct, without holding them all. Raises JournalDamagedError."""
    if not path.exists():
        return
    decode = msgspec.json.Decoder(record).decode
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield decode(line)
            except msgspec.MsgspecError as error:
                if not lines.readline():
                    return
                raise JournalDamagedError(path, number, str(error)) from error


def last_n(path: Path) -> int:
    """The number of the last whole record, 0 for an empty or absent journal."""
    block = 65_536
    if not path.exists():
        return 0
    with path.open("rb") as journal:
        size = journal.seek(0, 2)
        tail = b""
        while size > 0:
            step = min(block, size)
            size = journal.seek(size - step)
            tail = journal.read(step) + tail
            whole = tail[: tail.rfind(b"\n") + 1]
            start = whole.rfind(b"\n", 0, -1)
            if whole and (start >= 0 or size == 0):
                return msgspec.json.decode(whole[start + 1 :], type=Record).n
    return 0
