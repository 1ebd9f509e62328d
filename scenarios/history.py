"""The clients' own history: what every client tried and what it was told, in the order it happened.

Three-valued: an answer is `ok`, `fail` (the contract promises no effect) or `info` (it may have
happened). Writing is append-only and cheap; nothing here judges.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

import msgspec

RecordType = Literal["invoke", "ok", "fail", "info"]

PREVIEW_ORDER = "preview_order"
PLACE_ORDER = "place_order"
CANCEL_ORDER = "cancel_order"
REFUND = "refund"
RETURNED = "returned"
"""The reason of a refund that is to give back everything."""
EDIT_PRODUCT = "edit_product"
CLEAR_CART = "clear_cart"
MERGE_CART = "merge_cart"
RECEIVE_STOCK = "receive_stock"

WRITE_BUFFER_BYTES = 1 << 18


class Record(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One line of the history. `time_s` is monotonic, in seconds since the history was opened."""

    index: int
    time_s: float
    process: int
    type: RecordType
    function: str
    key: str = ""
    value: Any = None
    error: str = ""
    trace_id: str = ""


class WantedLine(msgspec.Struct, frozen=True):
    sku: str
    quantity: int


class PreviewAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of an invoked `preview_order`: goods looked at in another currency than theirs."""

    customer_id: str
    lines: tuple[WantedLine, ...]
    currency: str


class PreviewAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of a completed `preview_order`: what the customer was shown, and the quote that promises it."""

    quote_id: str = ""
    total_minor: int = 0
    currency: str = ""


class OrderAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of an invoked `place_order`; its record's key is the Idempotency-Key.

    `fingerprint` names the body (equal bodies, equal fingerprints). `from_cart`: the body names no goods, the cart is
    bought, and `lines` are what its customer brought into it.
    `quote_id` names what was shown before, if anything was.
    """

    customer_id: str
    lines: tuple[WantedLine, ...]
    payment_method: str = ""
    coupon: str = ""
    fingerprint: str = ""
    from_cart: bool = False
    quote_id: str = ""


class OrderAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of a completed `place_order`. `answer_sha256` is the digest of the answer's body."""

    status_code: int = 0
    order_id: str = ""
    status: str = ""
    total_minor: int = 0
    discount_minor: int = 0
    currency: str = ""
    replayed: bool = False
    answer_sha256: str = ""


class CancelAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of an invoked `cancel_order`."""

    customer_id: str
    order_id: str
    fingerprint: str = ""


class RefundAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of an invoked `refund`; its record's key is the Idempotency-Key.

    Without an amount everything that is left is asked for.
    """

    order_id: str
    payment_id: str
    amount_minor: int = 0
    currency: str = ""
    customer_id: str = ""
    fingerprint: str = ""


class RefundAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of a completed `refund`."""

    status_code: int = 0
    refund_id: str = ""
    amount_minor: int = 0
    currency: str = ""
    replayed: bool = False
    answer_sha256: str = ""


class EditAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of an invoked `edit_product`: what one variant is to cost, seen from the version that was read."""

    product_id: str
    sku: str
    price_minor: int
    currency: str
    from_version: int


class EditAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of a completed `edit_product`."""

    status_code: int = 0
    version: int = 0
    replayed: bool = False
    answer_sha256: str = ""


class CartAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of an invoked `merge_cart`, with what the guest's cart held, and of a `clear_cart`."""

    customer_id: str
    lines: tuple[WantedLine, ...] = ()


class CartAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of a completed `merge_cart` or `clear_cart`: the cart as its customer was shown it."""

    status_code: int = 0
    lines: tuple[WantedLine, ...] = ()


class ReceiptAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of an invoked `receive_stock`; repeating the reference changes nothing."""

    sku: str
    quantity: int
    reference: str


class ReceiptAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of a completed `receive_stock`."""

    status_code: int = 0


class Invocation(msgspec.Struct, frozen=True, gc=False):
    """What `HistoryWriter.invoke` hands back, to be completed exactly once."""

    index: int
    process: int
    function: str
    key: str


class RecordWriter:
    """Makes the records of one process, from one event loop, and hands each on as a line before anything else is done.

    A process has one operation at a time. One whose operation ended as `info` is retired, because
    it may still be running: ask `new_process` for the next id.
    """

    def __init__(self, write: Callable[[bytearray], object]) -> None:
        self.origin_at = time.time()
        self.records = 0
        self._origin_s = time.monotonic()
        self._processes = 0
        self._busy: set[int] = set()
        self._retired: set[int] = set()
        self._encoder = msgspec.json.Encoder()
        self._line = bytearray()
        self._write = write

    def new_process(self) -> int:
        """A process id that was never used before."""
        self._processes += 1
        return self._processes

    def invoke(
        self, process: int, function: str, *, key: str = "", value: object = None, trace_id: str = ""
    ) -> Invocation:
        """Records that `process` is about to call `function`; write it before the bytes leave."""
        assert process not in self._retired, f"process {process} is retired: its last operation is unknown"
        assert process not in self._busy, f"process {process} already has an operation in flight"
        self._busy.add(process)
        index = self._append(type="invoke", process=process, function=function, key=key, value=value, trace_id=trace_id)
        return Invocation(index=index, process=process, function=function, key=key)

    def ok(self, invocation: Invocation, *, value: object = None, trace_id: str = "") -> None:
        """It happened, and this is the answer."""
        self._complete("ok", invocation, value=value, error="", trace_id=trace_id)

    def fail(self, invocation: Invocation, *, error: str, value: object = None, trace_id: str = "") -> None:
        """It did not happen: a refusal whose contract says `no effect`; `error` is its code."""
        self._complete("fail", invocation, value=value, error=error, trace_id=trace_id)

    def info(self, invocation: Invocation, *, error: str, value: object = None, trace_id: str = "") -> int:
        """It may have happened (timeout, reset, 5xx on a write). Returns the process id to go on with."""
        self._complete("info", invocation, value=value, error=error, trace_id=trace_id)
        self._retired.add(invocation.process)
        return self.new_process()

    def _complete(self, kind: RecordType, invocation: Invocation, *, value: object, error: str, trace_id: str) -> None:
        assert invocation.process in self._busy, f"operation {invocation.index} was completed twice"
        self._busy.discard(invocation.process)
        self._append(
            type=kind,
            process=invocation.process,
            function=invocation.function,
            key=invocation.key,
            value=value,
            error=error,
            trace_id=trace_id,
        )

    def _append(self, *, time_s: float | None = None, **fields: Any) -> int:
        index = self.records
        self.records += 1
        if time_s is None:
            time_s = round(time.monotonic() - self._origin_s, 6)
        self._encoder.encode_into(Record(index=index, time_s=time_s, **fields), self._line)
        self._line += b"\n"
        self._write(self._line)
        return index


class HistoryWriter(RecordWriter):
    """Appends records to one file; closing it makes the file complete."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("ab", buffering=WRITE_BUFFER_BYTES)
        self._copied: dict[tuple[str, int], int] = {}
        super().__init__(self._file.write)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def copy(self, record: Record, *, source: str, at: float) -> None:
        """A record that somebody else made at `at` (epoch seconds); processes of equal ids at two sources are two."""
        process = self._copied.get((source, record.process))
        if process is None:
            process = self._copied[source, record.process] = self.new_process()
        fields = msgspec.structs.asdict(record) | {"process": process, "time_s": round(at - self.origin_at, 6)}
        del fields["index"]
        self._append(**fields)

    def flush(self) -> None:
        """Hands everything written so far to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Closes the file; what is still in flight stays an open invocation."""
        self._file.close()


class Attempt(msgspec.Struct, frozen=True):
    """What the attempts of all functions have in common; a function's own attempt says more."""

    customer_id: str = ""
    order_id: str = ""
    fingerprint: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What the answers of all functions have in common; a function's own answer says more."""

    order_id: str = ""
    refund_id: str = ""
    replayed: bool = False
    answer_sha256: str = ""

    @property
    def effect_id(self) -> str:
        """What it brought about."""
        return self.refund_id or self.order_id


class Operation(msgspec.Struct, frozen=True, gc=False):
    """An invocation with its completion; without one (the client never learned) it counts as unknown."""

    invoke: Record
    completion: Record | None

    @property
    def outcome(self) -> Literal["ok", "fail", "info"]:
        if self.completion is None or self.completion.type == "invoke":
            return "info"
        return self.completion.type

    @property
    def error(self) -> str:
        return self.completion.error if self.completion else "never answered"

    @property
    def trace_id(self) -> str:
        return (self.completion.trace_id if self.completion else "") or self.invoke.trace_id

    @property
    def last(self) -> Record:
        """Its completion, or the invocation where there is none."""
        return self.completion or self.invoke

    @property
    def attempt(self) -> Attempt:
        """What was attempted, as far as any function says it."""
        value = self.invoke.value
        return Attempt() if value is None else msgspec.convert(value, Attempt, from_attributes=True)

    @property
    def answer(self) -> Answer:
        """What was answered, as far as any function says it."""
        value = self.completion.value if self.completion else None
        return Answer() if value is None else msgspec.convert(value, Answer, from_attributes=True)

    @property
    def latency_s(self) -> float | None:
        return self.completion.time_s - self.invoke.time_s if self.completion else None


def read_history(path: Path) -> list[Record]:
    """All records of a history file; a line cut off by a crash of the writer is the file's end."""
    decoder = msgspec.json.Decoder(Record)
    records: list[Record] = []
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            records.append(decoder.decode(line))
    return records


def write_history(path: Path, records: Iterable[Record]) -> None:
    """Writes finished records as a history file (tests, shrinking)."""
    encoder = msgspec.json.Encoder()
    path.write_bytes(b"".join(encoder.encode(record) + b"\n" for record in records))


def paired(records: Iterable[Record]) -> Iterator[Operation]:
    """Every operation, in the order of invocation; a process has one at a time, so the id pairs them.

    Raises HistoryCorruptError for a completion without its invocation.
    """
    open_by_process: dict[int, int] = {}
    invocations: list[Record] = []
    completions: list[Record | None] = []
    for record in records:
        if record.type == "invoke":
            open_by_process[record.process] = len(invocations)
            invocations.append(record)
            completions.append(None)
            continue
        position = open_by_process.pop(record.process, None)
        if position is None or invocations[position].function != record.function:
            raise HistoryCorruptError(f"record {record.index} completes an operation that was never invoked")
        completions[position] = record
    for invoke, completion in zip(invocations, completions, strict=True):
        yield Operation(invoke=invoke, completion=completion)


class HistoryCorruptError(Exception):
    """A history that no client can have written; judging it would be guessing."""
