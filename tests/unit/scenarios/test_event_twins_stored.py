"""The twins that write something break what their cards say, above connections that note what is asked of them."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from scenarios.defects import careless_documents, catalogue
from shared.contracts import Envelope
from shared.contracts.catalog import ProductUpserted
from shared.database import Database
from shared.dead_letters import OpenLetter
from shared.ids import new_id
from shared.kafka_consumer import ConsumerRunner
from shared.outbox import Relay
from svc.analytics.handlers import Recorder
from svc.notifications.domain import Letter, Template
from svc.notifications.handlers import Letters

SETTINGS: Any = SimpleNamespace(
    kafka_bootstrap="nowhere:1", instance="inventory-1", prefix="", elasticsearch_url="http://127.0.0.1:1"
)
PRODUCT = uuid4()
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Connection:
    """Notes statements by their first two words; its outbox is `rows`, by position."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.rows: dict[int, bytes] = {}

    async def execute(self, statement: str, *arguments: object) -> None:
        self.said.append(" ".join(statement.split()[:2]))

    async def fetchval(self, *_: object) -> int:
        return 4

    async def fetch(self, _: str, *arguments: Any) -> list[dict[str, Any]]:
        beyond = arguments[0] if isinstance(arguments[0], int) else 0
        return [
            {"position": at, "topic": "t", "aggregate_id": "a", "payload": f"{at}"}
            for at in sorted(self.rows)
            if at > beyond
        ]

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[None]:
        self.said.append("BEGIN")
        yield
        self.said.append("COMMIT")


class Sender:
    """A producer that notes."""

    def __init__(self, said: list[str]) -> None:
        self.said = said

    async def send(self, messages: Any) -> None:
        self.said.extend(f"sent {message.value.decode()}" for message in messages)


class Applying(ConsumerRunner):
    """Every record is an event; handling is noting."""

    def __init__(self) -> None:
        self.connection = Connection()
        self.said = self.connection.said
        self.applied = 0
        self._service = "analytics"
        self._database: Any = SimpleNamespace(begin=self._begin)

    @asynccontextmanager
    async def _begin(self) -> AsyncGenerator[Any]:
        yield SimpleNamespace(connection=self.connection)

    def _wanted(self, record: Any) -> Any:
        return record

    async def _handle(self, uow: Any, header: Any) -> None:
        self.said.append(f"handled {header.name}")

    async def _go_back(self, consumer: Any, wish: Any) -> int:
        return 1

    async def _apply_partition(self, consumer: Any, partition: Any, records: Any) -> None:
        self.said.append("applied")


RECORD: Any = SimpleNamespace(
    id=new_id(), name="it", type="order.paid", aggregate_id="a", aggregate_version=1, offset=1
)


def twin(defect: str, part: str, healthy: Any) -> Any:
    return catalogue.twins_of(defect)[part](healthy, SETTINGS)


async def test_without_an_inbox_each_delivery_is_handled() -> None:
    runner = twin("no-inbox", "analytics.consumer", Applying)()
    for _ in range(2):
        await runner._apply_in_one_transaction([RECORD])
    assert runner.said.count("handled it") == 2


async def test_each_delivery_waits_to_be_counted_again() -> None:
    class Keeping(Recorder):
        async def record(self, uow: Any, envelope: Envelope[Any]) -> None:
            uow.connection.said.append("kept")

    uow: Any = SimpleNamespace(connection=Connection())
    recorder = twin("no-inbox", "analytics.recorder", Keeping)(lambda: None, None)
    await recorder.record(uow, upserted(1))
    assert uow.connection.said == ["kept", "INSERT INTO"]


async def test_a_rewound_consumer_handles_again_what_it_knows() -> None:
    class Refusing(Applying):
        async def _apply_in_one_transaction(self, records: Any) -> None:
            self.said.append("refused by the inbox")

    runner = twin("replay-reapplies", "notifications.consumer", Refusing)()
    await runner._apply_in_one_transaction([RECORD])
    await runner._go_back(None, None)
    await runner._apply_in_one_transaction([RECORD])
    assert runner.said == ["refused by the inbox", "handled it"]


async def test_a_replayed_letter_is_a_new_one() -> None:
    queued: list[UUID] = []

    class Queueing(Letters):
        async def _queue(self, uow: Any, envelope: Any, letter: Letter) -> None:
            queued.append(letter.event_id)

    letters = twin("replay-reapplies", "notifications.letters", Queueing)(lambda: None)
    letter = Letter(
        event_id=RECORD.id, template=Template.WELCOME, recipient="a@b.example", customer_id=new_id(), context={}
    )
    for _ in range(2):
        await letters._queue(None, None, letter)
    assert len({RECORD.id, *queued}) == 3


async def test_what_commits_below_the_mark_is_never_sent() -> None:
    connection = Connection()
    relay = twin("outbox-by-position", "orders.relay", Relay)(None, Sender(connection.said))
    connection.rows = {6: b""}
    await relay._relay_events(connection)
    connection.rows |= {5: b"", 7: b""}
    await relay._relay_events(connection)
    assert [word for word in connection.said if word.startswith("sent")] == ["sent 6", "sent 7"]


async def test_the_event_goes_out_after_the_commit_and_into_no_outbox() -> None:
    connection = Connection()

    class Lending(Database):
        @asynccontextmanager
        async def acquire(self) -> AsyncGenerator[Any]:
            yield connection

    database = twin("dual-write", "inventory.database", Lending)("postgresql://nowhere", "x")
    database._sender = Sender(connection.said)
    async with database.begin() as uow:
        uow.publish(upserted(1).data, aggregate_id=PRODUCT, aggregate_version=1)
    assert connection.said[:2] == ["BEGIN", "COMMIT"]
    assert len(connection.said) == 3
    assert connection.said[2].startswith("sent ")


async def test_a_letter_is_ticked_off_and_nothing_is_handled() -> None:
    runner = twin("redrive-reads-and-drops", "inventory.consumer", Applying)()
    assert await runner._redrive_one(OpenLetter(1, b"{}"), set())
    assert runner.said == ["UPDATE dead_letters"]


async def test_a_redriven_letter_goes_back_under_another_id(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    class Producing:
        def __init__(self, *_: object, **__: object) -> None: ...

        async def send(self, messages: Any) -> None:
            sent.extend(message.value for message in messages)

        async def close(self) -> None: ...

    monkeypatch.setattr("scenarios.defects.event_chaos.redrive_with_new_ids.Producer", Producing)
    event = upserted(1)
    payload = msgspec.json.encode(event)

    class Keeping(Applying):
        async def _untried_letters(self, tried: Any, **_: object) -> list[OpenLetter]:
            return [OpenLetter(1, payload), OpenLetter(2, b"no envelope")]

    runner = twin("redrive-with-new-ids", "inventory.consumer", Keeping)()
    assert await runner.redrive(letters_max=10) == (1, 1)
    assert runner.said == ["UPDATE dead_letters"]
    (copy,) = (msgspec.json.decode(value) for value in sent)
    assert copy["id"] != str(event.id)
    assert {**copy, "id": ""} == {**msgspec.json.decode(payload), "id": ""}


async def test_the_handler_blocks_longer_than_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("scenarios.defects.event_chaos.slow_handler.time.sleep", slept.append)
    runner = twin("slow-handler", "analytics.consumer", Applying)()
    for _ in range(2):
        await runner._apply_partition(None, None, [])
    assert slept == [7.0]
    assert runner.said == ["applied", "applied"]


@pytest.mark.parametrize("defect", ["arrival-order", "wall-clock-order"])
async def test_the_last_to_arrive_within_a_second_wins(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await winner(defect, [upserted(3), upserted(1), upserted(2)], monkeypatch) == 2


async def test_a_clock_orders_what_is_a_second_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    late_first = [upserted(2, after_s=1.0), upserted(1)]
    assert await winner("wall-clock-order", late_first, monkeypatch) == 2
    assert await winner("arrival-order", late_first, monkeypatch) == 1


async def test_documents_are_written_into_the_index_without_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    class Engine:
        def __init__(self, *_: object, **__: object) -> None: ...

        async def index(self, **what: Any) -> None:
            calls.append(what)

    monkeypatch.setattr("scenarios.defects.event_chaos.index_overwritten.AsyncElasticsearch", Engine)

    async def healthy(_uow: Any, _envelope: Any) -> None: ...

    after: list[Callable[[], None]] = []
    await twin("index-overwritten", "search.keep_product", healthy)(
        SimpleNamespace(after_commit=after.append), upserted(1)
    )
    for callback in after:
        callback()
    await asyncio.sleep(0)
    assert [set(call) for call in calls] == [{"index", "id", "document"}]


async def winner(defect: str, events: list[Envelope[ProductUpserted]], monkeypatch: pytest.MonkeyPatch) -> int:
    """The version that stands when all events have arrived in this order."""
    stands: list[int] = []

    async def overwrite(_connection: Any, envelope: Envelope[Any]) -> None:
        stands.append(envelope.aggregate_version)

    monkeypatch.setattr(careless_documents, "overwrite", overwrite)
    keep = twin(defect, "search.keep_product", None)
    for event in events:
        await keep(SimpleNamespace(connection=None), event)
    return stands[-1]


def upserted(version: int, *, after_s: float = 0.0) -> Envelope[ProductUpserted]:
    """A change of the product; versions of one second, unless told otherwise."""
    return Envelope(
        id=new_id(),
        type=ProductUpserted.type,
        version=1,
        aggregate_id=str(PRODUCT),
        aggregate_version=version,
        occurred_at=NOON + timedelta(seconds=after_s, milliseconds=version),
        data=ProductUpserted(
            product_id=PRODUCT, slug="p", title="P", description="", category="c", status="active", variants=[]
        ),
    )
