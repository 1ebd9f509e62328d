"""The table of who may call what is whole, up to date, and has no hole that nobody decided upon."""

from pathlib import Path

import pytest

from tests.security.test_policy import POLICY
from tests.support.apps import BEHIND, routes
from tests.support.policy_table import ABSENT, CALLERS, FORBIDDEN, IN, ROLES, UNKNOWN_CALLER, lines, page

DOCUMENT = Path(__file__).parents[2] / "docs" / "policy.md"
LINES = tuple(lines())
# What anybody may change without saying who they are, each for its reason: they become somebody, they are a guest
# with a token, a signature or a token of a letter speaks for them, or nothing is changed.
CHANGED_BY_ANYBODY = {
    "auth": {"login", "password-reset", "password-reset/confirm", "refresh", "register", "register/confirm"},
    "orders": {
        "cart", "cart/items", "cart/items/{sku:str}", "orders", "orders/preview", "orders/{order_id:uuid}/cancel", "",
    },
    "payments": {"psp"},
    "shipping": {"carrier", "addresses/check"},
    "notifications": {"unsubscribe/{token:str}"},
}  # fmt: skip


def of(line, caller):
    return line.cells[CALLERS.index(caller)]


def test_the_document_is_what_the_services_declare_today():
    assert DOCUMENT.read_text(encoding="utf-8") == page()


def test_every_route_of_every_service_is_in_the_table_once():
    every = [(route.service, route.method, route.path) for name in BEHIND for route in routes(name)]
    assert [(it.route.service, it.route.method, it.route.path) for it in LINES] == every
    assert len(set(every)) == len(every) > 300


def test_what_is_inside_is_unknown_to_the_gateway_whoever_asks():
    for line in LINES:
        inside = not line.route.path.startswith(("/api/v1/", "/.well-known/"))
        assert {of(line, caller) == ABSENT for caller in ("anonymous", *ROLES, "API key")} == {inside}, line.route


def test_nobody_without_a_name_changes_anything_but_what_is_listed():
    open_to_all = {
        (line.route.service, line.route.path.removeprefix("/api/v1/").partition("/")[2])
        for line in LINES
        if of(line, "anonymous") == IN and line.route.method != "GET"
    }
    assert open_to_all == {(service, path) for service, paths in CHANGED_BY_ANYBODY.items() for path in paths}


@pytest.mark.parametrize("role", ROLES)
def test_the_table_says_what_the_policy_says(role):
    """The policy is written by hand, the table is made: neither follows the other."""
    for line in LINES:
        allowed = POLICY.get((line.route.service, line.route.method, line.route.path))
        if allowed is not None:
            assert (of(line, role) == IN) is (role in allowed), (line.route, role)


def test_a_route_that_asks_for_a_role_lets_no_one_in_without_a_name():
    for line in LINES:
        if FORBIDDEN in {of(line, role) for role in ROLES} and of(line, "anonymous") != ABSENT:
            assert of(line, "anonymous") == UNKNOWN_CALLER, line.route


def test_no_key_reaches_an_account():
    for line in LINES:
        if line.route.service == "auth" and of(line, "anonymous") == UNKNOWN_CALLER:
            assert of(line, "API key") == FORBIDDEN, line.route
