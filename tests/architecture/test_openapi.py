"""The documents against the routes: who needs a token, how each route refuses, and where a key is honoured."""

import re

import pytest

from tests.support.apps import DECLARED, SERVICES, Route, built, routes

BEHIND = SERVICES[1:]
PROBLEM = {"$ref": "#/components/schemas/Problem"}
EVERYWHERE = {400, 401, 429, 503}
OF_CHANGES = {409, 422}


def _operations(service):
    """(method, path as documented) → operation."""
    paths = built(service).openapi_schema.to_schema()["paths"]
    return {
        (method.upper(), path.rstrip("/") or "/"): operation
        for path, item in paths.items()
        for method, operation in item.items()
        if isinstance(operation, dict) and "responses" in operation
    }


def _documented(route):
    return route.method, re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)


def _pairs(service):
    operations = _operations(service)
    return [(route, operations[key]) for route in routes(service) if (key := _documented(route)) in operations]


def _undocumented(there, pairs):
    public = {_documented(route) for route in there if route.path.startswith(("/api/v1/", "/.well-known/"))}
    return public - {_documented(route) for route, _ in pairs}


@pytest.mark.parametrize("service", BEHIND)
def test_every_public_route_is_documented(service):
    assert _undocumented(routes(service), _pairs(service)) == set()


def _undeclared(pairs):
    """(route, status) of refusals that are not declared, or not as problems."""
    wrong = []
    for route, operation in pairs:
        declared = {int(status) for status in operation["responses"]}
        expected = set(EVERYWHERE)
        expected |= set() if route.public else {403}
        expected |= {404} if "{" in route.path else set()
        expected |= set() if route.method == "GET" else OF_CHANGES
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        expected |= {412} if "If-Match" in names else set()
        wrong += [(str(route), status) for status in expected - declared]
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and answer["content"] != {"application/problem+json": {"schema": PROBLEM}}:
                wrong.append((str(route), int(status)))
    return wrong


@pytest.mark.parametrize("service", SERVICES)
def test_every_refusal_is_declared_as_a_problem(service):
    assert _undeclared(_pairs(service)) == []


def _asking_wrongly(pairs):
    return [str(route) for route, operation in pairs if ({} in operation["security"]) != route.public]


@pytest.mark.parametrize("service", SERVICES)
def test_a_token_is_asked_for_exactly_where_one_is_needed(service):
    assert _asking_wrongly(_pairs(service)) == []


def test_the_gateways_own_page_needs_no_token():
    assert {} in _operations("gateway")["GET", "/api/v1/status"]["security"]


def _schema(answer):
    return (answer.get("content") or {}).get("application/json", {}).get("schema")


def _untyped(pairs):
    """`string` is what the framework says of bytes that nobody described."""
    return [
        str(route)
        for route, operation in pairs
        for status, answer in operation["responses"].items()
        if int(status) < 400 and _schema(answer) == {"type": "string"}
    ]


@pytest.mark.parametrize("service", BEHIND)
def test_every_success_is_typed(service):
    assert _untyped(_pairs(service)) == []


def _keyed(operations):
    return {
        re.sub(r"\{\w+\}", "*", path)
        for (_, path), operation in operations.items()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
    }


@pytest.mark.parametrize("service", BEHIND)
def test_a_key_is_declared_exactly_where_a_route_takes_one(service):
    assert {path for route in DECLARED[service].routes for path in route.keyed} == _keyed(_operations(service))


def test_what_a_document_says_wrongly_is_found():
    """One change of a thing, documented as if it were open, took no key and could not be refused."""
    change = Route("inventory", "PUT", "/api/v1/things/{thing_id:uuid}", public=False, roles=())
    plain = {"content": {"application/json": {"schema": {"type": "string"}}}}
    parameters = [{"name": "If-Match"}, {"name": "Idempotency-Key"}]
    operation = {"responses": {"200": plain, "400": plain}, "security": [{}], "parameters": parameters}
    assert _undocumented([change], []) == {("PUT", "/api/v1/things/{thing_id}")}
    refusals = EVERYWHERE | OF_CHANGES | {403, 404, 412}
    assert {status for _, status in _undeclared([(change, operation)])} == refusals
    assert _asking_wrongly([(change, operation)]) == _untyped([(change, operation)]) == [str(change)]
    assert _keyed({_documented(change): operation}) == {"/api/v1/things/*"}
