"""No route of any service but the public ones answers anybody without the fleet's own token, made for that service."""

import pytest

from shared.identity import HEADER
from tests.support.apps import BEHIND, routes
from tests.support.gateway_steps import door
from tests.support.probes import PRIVILEGED, ask, filled, whole, worthless_tokens

CLOSED = {service: [route for route in routes(service) if not route.public] for service in BEHIND}
OPEN = {service: [route for route in routes(service) if route.public] for service in BEHIND}
PROBES = ("/health/live", "/health/ready", "/metrics")
# The gateway knows prefixes only; below an open one the service itself asks who is calling.
LEFT_TO_THE_SERVICE = {"/api/v1/products/{reference:str}/staff", "/api/v1/products/{reference:str}/price-windows"}
OWN_PAGES = {*PROBES, "/openapi/openapi.json", "/.well-known/jwks.json"}


def _refused(status, problem):
    return status == 401 and problem["code"] == "unauthenticated"


def _passed_on(route):
    return route.public or (route.method == "GET" and route.path in LEFT_TO_THE_SERVICE)


@pytest.mark.parametrize("name", BEHIND)
async def test_no_closed_route_answers_without_a_token(engines, prefix, name):
    async with whole(engines, name, prefix) as service:
        answers = {str(route): await ask(service, route) for route in CLOSED[name]}
    assert len(answers) > 3
    assert {route: answer for route, answer in answers.items() if not _refused(*answer)} == {}


@pytest.mark.parametrize("name", BEHIND)
async def test_no_closed_route_answers_to_a_worthless_token(engines, prefix, name):
    tokens = worthless_tokens(name)
    async with whole(engines, name, prefix) as service:
        let_in = [
            (str(route), flaw, answer)
            for route in CLOSED[name]
            for flaw, token in tokens.items()
            if not _refused(*(answer := await ask(service, route, headers={HEADER: token})))
        ]
        good = service.tokens.mint(PRIVILEGED, name)
        document = next(route for route in CLOSED[name] if route.path == "/openapi/openapi.json")
        assert (await ask(service, document, headers={HEADER: good}))[0] == 200  # the probe can get in
    assert let_in == []


@pytest.mark.parametrize("name", BEHIND)
async def test_a_worthless_token_is_not_ignored_on_an_open_route_either(engines, prefix, name):
    token = worthless_tokens(name)["signed by another"]
    async with whole(engines, name, prefix) as service:
        for route in OPEN[name]:
            if route.path not in PROBES:
                assert _refused(*await ask(service, route, headers={HEADER: token})), route


@pytest.mark.parametrize("name", BEHIND)
async def test_open_routes_and_no_others_are_open(engines, prefix, name):
    async with whole(engines, name, prefix) as service:
        for route in OPEN[name]:
            answer = await ask(service, route)
            assert not _refused(*answer), route
            assert answer[0] != 403, route
            if route.path in PROBES:
                assert route.method == "GET"
            else:
                assert route.path.startswith(("/api/v1/", "/.well-known/")), f"{route} is open"


@pytest.mark.service("gateway")
async def test_the_gateway_lets_strangers_through_to_open_routes_and_to_no_others(engines, prefix):
    async with door(engines, prefix, *BEHIND) as shop:
        wrong = []
        for name in BEHIND:
            for route in routes(name):
                if route.path in OWN_PAGES:
                    continue
                before = len(shop.fakes[name].requests)
                answer = await shop.call(route.method, filled(route.path))
                arrived = len(shop.fakes[name].requests) > before
                expected = 404 if not route.path.startswith("/api/v1/") else 200 if _passed_on(route) else 401
                if answer.status != expected or arrived != (expected == 200):
                    wrong.append((str(route), answer.status, arrived))
        assert wrong == []
