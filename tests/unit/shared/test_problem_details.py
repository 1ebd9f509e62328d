from typing import Annotated
from uuid import UUID

import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.testing import TestClient
from structlog.testing import capture_logs

from shared import tracing
from shared.errors import (
    BrokerUnavailableError,
    Kind,
    Refusal,
    RemoteRefusal,
    RemoteTimeoutError,
    Unauthenticated,
)
from shared.money import Money
from shared.problem_details import CLIENT_LEFT, EXCEPTION_HANDLERS, problem_response
from shared.strict_body import StrictBody


class SlowDown(Refusal):
    code = "slow_down"
    kind = Kind.TOO_MANY


class Order(msgspec.Struct, forbid_unknown_fields=True):
    sku: str
    quantity: int


RAISED: dict[str, Exception] = {
    "slow": SlowDown("wait", retry_after_s=2.4),
    "anonymous": Unauthenticated("who are you"),
    "broker": BrokerUnavailableError("10.0.0.1:9092"),
    "late": RemoteTimeoutError("inventory"),
    "remote": RemoteRefusal(409, "sold_out", "none left"),
    "bug": RuntimeError("SELECT * FROM users; hunter2"),
}


@get("/raise/{name:str}")
async def fail(name: FromPath[str]) -> None:
    with tracing.span("handler"):
        raise RAISED[name]


@get("/money")
async def money() -> None:
    Money(1, "EUR") + Money(1, "USD")


@get("/things/{thing:uuid}")
async def thing(thing: FromPath[UUID]) -> str:
    return str(thing)


@get("/page")
async def page(limit: Annotated[int, QueryParameter(ge=1, le=9)]) -> int:
    return limit


@post("/orders", dto=StrictBody)
async def order(data: JSONBody[Order]) -> None:
    return None


@pytest.fixture(scope="module")
def client():
    app = Litestar(
        [fail, money, thing, page, order],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,
        request_max_body_size=200,
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/raise/slow", 429, "slow_down"),
        ("/raise/anonymous", 401, "unauthenticated"),
        ("/raise/broker", 503, "broker_unavailable"),
        ("/raise/late", 504, "dependency_timeout"),
        ("/raise/remote", 502, "dependency_refused"),
        ("/raise/bug", 500, "internal_error"),
        ("/money", 422, "invalid_money"),
        ("/page?limit=many", 400, "invalid_body"),
        ("/page", 400, "invalid_body"),
        ("/nowhere", 404, "not_found"),
        ("/orders", 405, "method_not_allowed"),
    ],
)
def test_every_failure_is_a_problem_with_a_stable_code(client, path, status, code):
    answer = client.get(path)
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail", "trace_id"} <= set(body)


@pytest.mark.parametrize("name", ["bug", "broker", "remote", "late"])
def test_nothing_internal_is_told(client, name):
    text = client.get(f"/raise/{name}").text
    for secret in ("hunter2", "SELECT", "10.0.0.1", "Traceback", "none left", "inventory"):
        assert secret not in text


def test_headers_tell_a_client_what_to_do(client):
    assert client.get("/raise/slow").headers["retry-after"] == "3"
    assert client.get("/raise/broker").headers["retry-after"] == "1"
    assert client.get("/raise/anonymous").headers["www-authenticate"] == "Bearer"
    assert "POST" in client.get("/orders").headers["allow"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"sku": "A", "quantity": "two"}, "quantity"),
        ({"sku": "A", "quantity": 1, "price": 0}, "price"),
    ],
)
def test_an_invalid_body_names_the_field(client, body, field):
    answer = client.post("/orders", json=body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("query", "words"), [("?limit=many", "must be a whole number from 1 to 9"), ("", "is required")]
)
def test_a_parameter_that_cannot_be_is_named_with_what_it_may_be(client, query, words):
    assert client.get(f"/page{query}").json()["errors"] == [{"field": "limit", "message": words}]


def test_a_body_that_does_not_parse_is_invalid_and_not_quoted(client):
    answer = client.post("/orders", content=b'{"sku": hunter2', headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_body")
    assert "hunter2" not in answer.text


def test_a_body_over_the_bound_is_too_large(client):
    answer = client.post("/orders", json={"sku": "A" * 500, "quantity": 1})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_plain_asgi_answers_the_same_way():
    sent: list[dict] = []

    async def send(message) -> None:
        sent.append(message)

    await problem_response(send, status=503, code="overloaded", headers={"Retry-After": "1"})
    start, body = sent
    assert start["status"] == 503
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
    assert dict(start["headers"])[b"retry-after"] == b"1"
    assert int(dict(start["headers"])[b"content-length"]) == len(body["body"])
    assert msgspec.json.decode(body["body"])["code"] == "overloaded"


async def test_a_client_that_leaves_in_the_middle_of_its_request_is_no_failure_of_ours():
    app = Litestar(
        [order], exception_handlers=EXCEPTION_HANDLERS, openapi_config=None, logging_config=None, debug=False
    )
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/orders",
        "raw_path": b"/orders",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"30")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    parts = iter([{"type": "http.request", "body": b'{"sku"', "more_body": True}, {"type": "http.disconnect"}])
    sent = []

    async def receive():
        return next(parts)

    async def send(message):
        sent.append(message)

    with capture_logs() as logs:
        await app(scope, receive, send)
    assert sent[0]["status"] == CLIENT_LEFT
    assert [entry["event"] for entry in logs] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/things/no-uuid", 404),
        ("DELETE", "/orders", 405),
        ("PROPFIND", "/money", 405),
    ],
)
def test_an_answer_outside_of_every_route_names_the_callers_trace(client, method, path, status):
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = client.request(method, path, headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
    assert (answer.status_code, answer.json()["trace_id"]) == (status, trace_id)
