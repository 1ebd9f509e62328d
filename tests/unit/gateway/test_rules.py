import pytest

from compose import stack
from shared.declaration import Declaration, Route, RouteClass
from svc.gateway import paths, routes
from svc.gateway.contract import merged
from svc.gateway.headers import answered_headers, forwarded_headers
from svc.gateway.limits import API_KEY, REFUSED_TOKENS, WHEN_REDIS_IS_AWAY
from svc.gateway.rate_limit import Limit
from svc.gateway.routes import DEADLINE_S, SHARE_OF_PLACES, Routes, UnknownRoute
from svc.gateway.settings import Settings, parse_limit

pytestmark = pytest.mark.service("gateway")
ROUTES = routes.load(stack.load().packages)


@pytest.mark.parametrize(
    "path",
    [b"/", b"/api/v1/products", b"/api/v1/products/", b"/api/v1/products/a-b_c.d~e", b"/api/v1/x/caf%C3%A9",
     b"/api/v1/x/a%20b", b"/api/v1/x/...", b"/api/v1/x/a..b", b"/api/v1/x/@:+,="],
)  # fmt: skip
def test_plain_paths_pass(path):
    paths.check(path, b"a=1&b=%2e%2e%2f")


@pytest.mark.parametrize(
    "path",
    [b"", b"x", b"/a//b", b"/a/../b", b"/a/..", b"/./a", b"/a/%2e", b"/a/%2E%2e/b", b"/a%2fb", b"/a%5cb", b"/a\\b",
     b"/a;b", b"/a%3Bb", b"/a%00", b"/a%0a", b"/a%25b", b"/a%252e", b"/a%", b"/a%g1", b"/a b", b"/a\x80", b"/%c0%ae",
     b"/a%7f", b"/a?b", b"/a#b", b"/" + b"a" * 2_048],
)  # fmt: skip
def test_paths_that_two_parsers_could_read_differently_are_refused(path):
    with pytest.raises(paths.InvalidPath):
        paths.check(path, b"")


@pytest.mark.parametrize("query", [b"a b", b"a\x00", b"\xff", b"x" * 8_193])
def test_queries_are_printable_and_bounded(query):
    with pytest.raises(paths.InvalidPath):
        paths.check(b"/a", query)


@pytest.mark.parametrize(
    ("host", "name"),
    [(b"Example.com:80", "example.com"), (b"[::1]:8000", "[::1]"), (b"[::1]", "[::1]"), (b"a:b:c", "a"), (b"", "")],
)
def test_a_host_is_compared_without_its_port(host, name):
    assert paths.host_without_port(host) == name


def test_every_class_has_a_deadline_a_share_a_limit_and_a_decision():
    settings = Settings(internal_secret="x" * 32)
    for kind in RouteClass:
        assert 0 < DEADLINE_S[kind] <= 30
        assert 0 < SHARE_OF_PLACES[kind] <= 1
        assert parse_limit(getattr(settings, f"limit_{kind}")).requests > 0
    assert {*RouteClass, API_KEY, REFUSED_TOKENS} == WHEN_REDIS_IS_AWAY.keys()
    assert [kind for kind, decision in WHEN_REDIS_IS_AWAY.items() if decision == "refuse"] == ["auth"]


def test_checkout_is_shed_last_and_recommendations_first():
    by_weight = [RouteClass.CHECKOUT, RouteClass.ACCOUNT, RouteClass.BROWSE, RouteClass.RECOMMENDATIONS]
    shares = [SHARE_OF_PLACES[kind] for kind in by_weight]
    assert sorted(set(shares), reverse=True) == shares


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (b"/api/v1/products/mug/related", RouteClass.RECOMMENDATIONS),
        (b"/api/v1/products/mug/relate%64/", RouteClass.RECOMMENDATIONS),
        (b"/api/v1/search/suggest", RouteClass.RECOMMENDATIONS),
        (b"/api/v1/products/related", RouteClass.BROWSE),
        (b"/api/v1/products/mug/related/x", RouteClass.BROWSE),
        (b"/api/v1/search", RouteClass.BROWSE),
    ],
)
def test_what_only_suggests_is_recommendations_and_nothing_beside_it(path, kind):
    assert ROUTES.of(path).kind is kind
    assert ROUTES.of(path).public_methods == ROUTES.of(b"/api/v1/search").public_methods


def test_a_path_that_recommends_lies_below_its_route():
    with pytest.raises(ValueError, match="not below it"):
        Route(path="/api/v1/a", kind=RouteClass.BROWSE, recommends=("/api/v1/b/*/related",))


def test_every_service_but_the_gateway_is_routed_to():
    assert {*ROUTES.services, "gateway"} == {service.name for service in stack.load().services}
    assert {name for needed in ROUTES.parts.values() for name in needed} == set(ROUTES.services)


def test_two_services_cannot_declare_one_path():
    one = Declaration(routes=(Route(path="/api/v1/a", kind=RouteClass.BROWSE),))
    with pytest.raises(ValueError, match="two declares /api/v1/a"):
        Routes({"one": one, "two": one})


@pytest.mark.parametrize("path", [b"/", b"/api/v1/", b"/api/v1/nothing", b"/api/v1/internal/x", b"/api/v1/webhooks/x"])
def test_unknown_paths_have_no_route(path):
    with pytest.raises(UnknownRoute):
        ROUTES.of(path)


@pytest.mark.parametrize(
    ("path", "method", "public"),
    [
        (b"/api/v1/auth/login", "POST", True),
        (b"/api/v1/auth/login/x", "POST", True),
        (b"/api/v1/auth/me", "GET", False),
        (b"/api/v1/products/1", "GET", True),
        (b"/api/v1/products/1", "PATCH", False),
        (b"/api/v1/search", "GET", True),
        (b"/api/v1/stock/receipts", "POST", False),
        (b"/api/v1/shipping/rates", "GET", True),
        (b"/api/v1/shipping", "GET", False),
        (b"/api/v1/webhooks/psp", "POST", True),
        (b"/api/v1/orders", "GET", False),
    ],
)
def test_what_may_be_reached_without_a_token(path, method, public):
    route = ROUTES.of(path)
    assert (method in route.public_methods) is public


@pytest.mark.parametrize("path", [b"/api/v1/auth/%6Cogin", b"/api/v1/%61uth/login", b"/api/v1/auth/login/"])
def test_an_encoded_letter_changes_no_class(path):
    assert ROUTES.of(path).kind is RouteClass.AUTH


def test_labels_carry_no_ids():
    assert ROUTES.of(b"/api/v1/orders/0190a0f0-0000-7000-8000-000000000001").label == "/api/v1/orders"


@pytest.mark.parametrize(
    ("text", "limit"), [("60/60", Limit(60, 60.0)), ("60/1/5", Limit(60, 1.0, 5)), ("1/0.5", Limit(1, 0.5))]
)
def test_limits_are_read(text, limit):
    assert parse_limit(text) == limit


@pytest.mark.parametrize("text", ["", "60", "a/b", "0/60", "60/0", "60/60/-1", "1/2/3/4"])
def test_limits_that_are_none_stop_the_start(text):
    with pytest.raises(ValueError, match=r"."):
        Settings(internal_secret="x" * 32, limit_browse=text)


def test_header_lists_keep_their_order_and_repeats():
    passed = forwarded_headers([(b"accept", b"a"), (b"accept", b"b"), (b"host", b"x"), (b"x_y", b"1")], None)
    assert list(passed.items()) == [("accept", "a"), ("accept", "b")]


def test_an_answer_that_may_be_cached_says_so_itself():
    assert (b"cache-control", b"public") in answered_headers([(b"Cache-Control", b"public")])
    assert (b"cache-control", b"no-store") in answered_headers([])


def test_schemas_of_two_services_do_not_meet():
    documents = {
        name: {
            "paths": {f"/api/v1/{name}": {"get": {"r": {"$ref": "#/components/schemas/Page"}}}},
            "components": {"schemas": {"Page": {"title": name}}},
        }
        for name in ("a", "b")
    }
    whole = merged(documents, {"paths": {}})
    assert whole["components"]["schemas"].keys() == {"a.Page", "b.Page"}
    assert whole["paths"]["/api/v1/b"]["get"]["r"]["$ref"].endswith("b.Page")
