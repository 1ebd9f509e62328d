"""What the recording client makes of an answer: definite, unknown, or to be asked again, and the history says so."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from scenarios.history import HistoryWriter, OrderAnswer, Record, WantedLine, paired, read_history
from scenarios.workloads import client as clients
from scenarios.workloads.client import AttemptResult, Client
from scenarios.workloads.market import Person
from scenarios.workloads.requests import Charge, cancel_order, place_order
from shared.money import Money

ANN = Person("ann", "token")
ORDER = {"id": "o-1", "status": "reserved", "total": {"amount": "129.00", "currency": "EUR"}}
Answers = list[Callable[[], web.Response]]


def answer(status: int, body: object, **headers: str) -> Callable[[], web.Response]:
    return lambda: web.json_response(body, status=status, headers=headers)


def refusal(status: int, code: str) -> Callable[[], web.Response]:
    return answer(status, {"code": code})


@asynccontextmanager
async def shop(answers: Answers) -> AsyncIterator[str]:
    """A gateway that gives these answers, one after the other."""

    async def take(_: web.Request) -> web.Response:
        return answers.pop(0)()

    app = web.Application()
    app.router.add_post("/api/v1/{path:.*}", take)
    async with served(app) as url:
        yield url


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """Where it can be asked."""
    serving = web.AppRunner(app, shutdown_timeout=0.1)
    await serving.setup()
    site = web.TCPSite(serving, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{serving.addresses[0][1]}"
    finally:
        await serving.cleanup()


async def bought(
    tmp_path: Path, *answers: Callable[[], web.Response], cancel: bool = False
) -> tuple[AttemptResult, list[Record]]:
    path = tmp_path / "history.jsonl"
    request = cancel_order(ANN, "o-1") if cancel else place_order(ANN, key="k-1", lines=(WantedLine("JACKET", 2),))
    async with shop(list(answers)) as url:
        with HistoryWriter(path) as history:
            async with Client.open(history, gateway_url=url) as client:
                told = await client.insist(request)
    return told, read_history(path)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "BACK_OFF_S", (0.0,))


def outcomes(records: list[Record]) -> list[tuple[str, str]]:
    return [(operation.outcome, operation.error) for operation in paired(records)]


async def test_an_order_is_told_with_what_was_wanted_and_what_was_answered(tmp_path: Path) -> None:
    told, records = await bought(tmp_path, answer(201, ORDER, **{"Idempotency-Replayed": "true", "X-Trace-Id": "t-1"}))
    assert (told.type, told.again) == ("ok", False)
    assert isinstance(told.value, OrderAnswer)
    assert (told.value.order_id, told.value.total_minor, told.value.replayed) == ("o-1", 12_900, True)
    invoked, completed = records
    assert (invoked.key, invoked.value["lines"]) == ("k-1", [{"sku": "JACKET", "quantity": 2}])
    assert (completed.type, completed.trace_id, completed.value["order_id"]) == ("ok", "t-1", "o-1")


async def test_a_refusal_is_definite(tmp_path: Path) -> None:
    told, records = await bought(tmp_path, refusal(409, "insufficient_stock"))
    assert (told.type, told.again, told.code) == ("fail", False, "insufficient_stock")
    assert outcomes(records) == [("fail", "insufficient_stock")]


@pytest.mark.parametrize(("status", "code"), [(409, "request_in_flight"), (503, "overloaded"), (429, "rate_limited")])
async def test_what_was_not_begun_is_asked_again_with_the_same_key(tmp_path: Path, status: int, code: str) -> None:
    told, records = await bought(tmp_path, refusal(status, code), answer(201, ORDER))
    assert told.type == "ok"
    assert outcomes(records) == [("fail", code), ("ok", "")]
    assert {record.key for record in records} == {"k-1"}
    assert len({record.process for record in records}) == 1


async def test_a_server_error_may_have_happened_and_is_asked_again_by_another_process(tmp_path: Path) -> None:
    told, records = await bought(tmp_path, refusal(504, "dependency_timeout"), answer(201, ORDER))
    assert told.type == "ok"
    assert outcomes(records) == [("info", "dependency_timeout"), ("ok", "")]
    assert len({record.process for record in records}) == 2


async def test_an_answer_that_never_comes_may_have_happened(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    async with shop([answer(201, ORDER)]) as url:
        with HistoryWriter(path) as history:
            async with Client.open(history, gateway_url=url) as client:
                request = place_order(ANN, key="k-1", lines=(WantedLine("JACKET", 1),))
                told = await client.ask(request, history.new_process(), timeout_s=0.0)
    assert (told.type, told.again) == ("info", True)
    assert outcomes(read_history(path)) == [("info", "TimeoutError")]


async def test_a_cancel_that_was_only_asked_for_is_unknown_until_it_is_done(tmp_path: Path) -> None:
    cancelled = {**ORDER, "status": "cancelled"}
    told, records = await bought(tmp_path, answer(202, ORDER), answer(200, cancelled), cancel=True)
    assert (told.type, told.value.status) == ("ok", "cancelled")
    assert outcomes(records) == [("info", "asked for"), ("ok", "")]


async def test_asking_ends_after_so_many_attempts(tmp_path: Path) -> None:
    told, records = await bought(tmp_path, *[refusal(503, "overloaded")] * clients.ATTEMPTS_MAX)
    assert (told.type, told.again) == ("fail", True)
    assert len(outcomes(records)) == clients.ATTEMPTS_MAX


@pytest.mark.parametrize(
    ("statuses", "charged"),
    [
        (["pending", "processing", "captured"], True),
        (["processing", "failed"], False),
        (["pending", "cancelled"], False),
    ],
    ids=["captured", "failed", "cancelled"],
)
async def test_who_waits_for_the_charge_stops_when_it_came_or_never_will(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statuses: list[str], charged: bool
) -> None:
    monkeypatch.setattr(clients, "CAPTURE_POLL_S", 0.0)
    shown = iter(statuses)

    async def payments(_: web.Request) -> web.Response:
        item = {"id": "p-1", "status": next(shown), "amount": {"amount": "7.125", "currency": "KWD"}}
        return web.json_response({"items": [item]})

    app = web.Application()
    app.router.add_get("/api/v1/payments", payments)
    async with served(app) as url:
        with HistoryWriter(tmp_path / "history.jsonl") as history:
            async with Client.open(history, gateway_url=url) as client:
                charge = await client.charged(ANN, "o-1", patience_s=60.0)
    assert next(shown, None) is None
    assert charge == (Charge("p-1", "o-1", Money(7_125, "KWD")) if charged else None)


@pytest.mark.parametrize(("patience_s", "outcome"), [(60.0, "ok"), (0.0, "info")])
async def test_what_is_waited_for_is_one_operation_whatever_was_shown_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience_s: float, outcome: str
) -> None:
    monkeypatch.setattr(clients, "LOOK_AGAIN_S", 0.0)
    shown = iter([answer(503, {}), answer(200, {"items": []}), answer(200, {"items": [1]})])

    async def search(_: web.Request) -> web.Response:
        return next(shown)()

    app = web.Application()
    app.router.add_get("/api/v1/search", search)
    path = tmp_path / "history.jsonl"
    async with served(app) as url:
        with HistoryWriter(path) as history:
            async with Client.open(history, gateway_url=url) as client:
                seen = await client.see("search", "t", "/search", lambda page: page["items"], patience_s=patience_s)
    (operation,) = paired(read_history(path))
    assert operation.outcome == outcome
    assert seen is (outcome == "ok")
