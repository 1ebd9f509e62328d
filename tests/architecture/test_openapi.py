"""The documents against the routes: who needs a token, how each route refuses, and where a key is honoured."""

import re

import pytest

from tests.support.apps import DECLARED, SERVICES, built, routes

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


@pytest.mark.parametrize("service", BEHIND)
def test_every_public_route_is_documented(service):
    documented = {_documented(route) for route, _ in _pairs(service)}
    assert {_documented(r) for r in routes(service) if r.path.startswith(("/api/v1/", "/.well-known/"))} <= documented


@pytest.mark.parametrize("service", SERVICES)
def test_every_refusal_is_declared_as_a_problem(service):
    wrong = []
    for route, operation in _pairs(service):
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
                wrong.append((str(route), status))
    assert wrong == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_token_is_asked_for_exactly_where_one_is_needed(service):
    pairs = _pairs(service)
    assert [str(route) for route, operation in pairs if ({} in operation["security"]) != route.public] == []


def test_the_gateways_own_page_needs_no_token():
    assert {} in _operations("gateway")["GET", "/api/v1/status"]["security"]


def _schema(answer):
    return (answer.get("content") or {}).get("application/json", {}).get("schema")


@pytest.mark.parametrize("service", BEHIND)
def test_every_success_is_typed(service):
    """`string` is what the framework says of bytes that nobody described."""
    wrong = [
        str(route)
        for route, operation in _pairs(service)
        for status, answer in operation["responses"].items()
        if int(status) < 400 and _schema(answer) == {"type": "string"}
    ]
    assert wrong == []


@pytest.mark.parametrize("service", BEHIND)
def test_a_key_is_declared_exactly_where_a_route_takes_one(service):
    taken = {
        re.sub(r"\{\w+\}", "*", path)
        for (_, path), operation in _operations(service).items()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
    }
    assert {path for route in DECLARED[service].routes for path in route.keyed} == taken
