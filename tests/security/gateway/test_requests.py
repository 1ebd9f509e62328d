import asyncio
import json

import pytest

from shared.identity import InternalTokens, operator_principal
from tests.support.gateway_steps import door
from tests.support.services import INTERNAL_SECRET

pytestmark = pytest.mark.service("gateway")

TRAVERSALS = [
    "/api/v1/products/../../../internal/users/import", "/api/v1/products/..", "/api/v1/./products",
    "/api/v1/products/%2e%2e/%2e%2e/internal/x", "/api/v1/products/%2E%2E%2Finternal", "/api/v1/..%2f..%2finternal",
    "/api/v1/products/%252e%252e/internal", "/api/v1/products/%252fx", "/api/v1/products/..;/internal",
    "/api/v1/products;x=1/y", "/api/v1/products/%3b/x", "/api/v1/products\\..\\internal", "/api/v1/products/%5c..%5cx",
    "/api/v1//products", "//api/v1/products", "/api/v1/products/%00", "/api/v1/products/%0d%0aX-Evil:1",
    "/api/v1/products/%c0%ae%c0%ae/x", "/api/v1/products/%ff", "/api/v1/products/%zz", "/api/v1/products/%",
    "/api/v1/products/" + "a" * 3_000,
]  # fmt: skip


async def raw(url, request: bytes) -> bytes:
    """Bytes in, bytes out, for what no client library would send."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        async with asyncio.timeout(5):
            return await reader.read(65_536)
    finally:
        writer.close()


def lines(*lines_of_head: str, body: str = "") -> bytes:
    return ("\r\n".join([*lines_of_head, "", ""]) + body).encode("latin-1")


async def test_no_detour_in_a_path_reaches_any_service(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        for path in TRAVERSALS:
            answer = await raw(shop.url, lines(f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close"))
            assert answer.split(b" ", 2)[1] in (b"400", b"404"), path
        assert shop.fakes["catalog"].requests == []


async def test_the_absolute_form_chooses_no_other_host(engines, prefix):
    async with door(engines, prefix, "catalog", "orders") as shop:
        target = shop.fakes["orders"].url + "/api/v1/products"
        answer = await raw(shop.url, lines(f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close"))
        assert answer.split(b" ", 2)[1] in (b"200", b"400", b"404")
        assert shop.fakes["orders"].requests == []


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "evil.example:8000", "localhost@evil.example", "", "127.0.0.1x"]
)
async def test_other_hosts_are_refused(engines, prefix, host):
    async with door(engines, prefix, "catalog") as shop:
        answer = await raw(shop.url, lines("GET /api/v1/products HTTP/1.1", f"Host: {host}", "Connection: close"))
        assert answer.split(b" ", 2)[1] == b"400"
        assert shop.fakes["catalog"].requests == []


async def test_a_forwarded_host_changes_nothing(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        answer = await shop.call("GET", "/api/v1/products", headers={"X-Forwarded-Host": "evil.example"})
        assert answer.status == 200
        assert "x-forwarded-host" not in answer.json["headers"]


async def test_identity_headers_of_a_client_reach_nobody(engines, prefix):
    forged = InternalTokens(INTERNAL_SECRET).mint(operator_principal(), "catalog")
    spoofed = {
        "X-Internal-Token": forged, "x_internal_token": forged, "X-User-Id": "1", "X-User-Roles": "admin",
        "X-UserId": "1", "X-Principal": "admin", "X-Client-Address": "10.0.0.1", "X-Forwarded-For": "10.0.0.1",
        "X-Real-IP": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X-Original-URL": "/internal/x",
        "X-Rewrite-URL": "/internal/x", "Cookie": "session=1", "Proxy-Authorization": "Basic x",
        "X-Shopstream-Role": "admin", "Baggage": "a=b",
    }  # fmt: skip
    async with door(engines, prefix, "catalog") as shop:
        seen = (await shop.call("GET", "/api/v1/products", headers=spoofed)).json["headers"]
        assert seen["x-client-address"] == "127.0.0.1"
        assert not {name.lower() for name in spoofed if name != "X-Client-Address"} & seen.keys()


async def test_what_connection_names_ends_at_the_gateway(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        headers = {"Connection": "keep-alive, X-Secret-Hop", "X-Secret-Hop": "1", "TE": "trailers", "X-Stays": "1"}
        seen = (await shop.call("GET", "/api/v1/products", headers=headers)).json["headers"]
        assert not {"x-secret-hop", "te", "connection"} & seen.keys()
        assert seen["x-stays"] == "1"


async def test_connection_cannot_remove_what_the_gateway_says(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        headers = {"Connection": "close, X-Internal-Token, X-Deadline-Ms, traceparent, Content-Length"}
        answer = await shop.call("POST", "/api/v1/orders", token=shop.issuer.token(), headers=headers, json={"a": 1})
        assert {"x-internal-token", "x-deadline-ms", "traceparent"} <= answer.json["headers"].keys()
        assert answer.json["body"] == '{"a": 1}'


@pytest.mark.parametrize(
    "head",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: +5",),
        ("Content-Length: -1",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding : chunked",),
        ("Authorization: Bearer a", "Authorization: Bearer b"),
        ("Host: localhost",),
    ],
)
async def test_ambiguous_requests_are_refused_and_nothing_follows_them(engines, prefix, head):
    async with door(engines, prefix, "payments") as shop:
        smuggled = "0\r\n\r\nGET /internal/x HTTP/1.1\r\nHost: localhost\r\n\r\n"
        request = lines("POST /api/v1/webhooks/psp HTTP/1.1", "Host: localhost", *head, body=smuggled)
        answer = await raw(shop.url, request)
        assert answer.startswith(b"HTTP/1.1 400")
        assert answer.count(b"HTTP/1.1") == 1
        assert shop.fakes["payments"].requests == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "PURGE"])
async def test_methods_nobody_needs_are_refused(engines, prefix, method):
    async with door(engines, prefix, "catalog") as shop:
        request = lines(f"{method} /api/v1/products HTTP/1.1", "Host: localhost", "X-Secret: 1", "Connection: close")
        answer = await raw(shop.url, request)
        assert answer.split(b" ", 2)[1] in (b"400", b"405", b"501")
        assert b"X-Secret" not in answer
        assert (
            b" 400 " in answer
            or b" 501 " in answer
            or b"allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n" in answer
        )
        assert shop.fakes["catalog"].requests == []


@pytest.mark.parametrize(
    ("request_line", "status", "code"),
    [
        ("FROB /api/v1/products HTTP/1.1", 501, "method_not_implemented"),
        ("get /api/v1/products HTTP/1.1", 501, "method_not_implemented"),
        ("GET /api/v1/products HTTP/x", 400, "malformed_request"),
    ],
)
async def test_what_is_no_http_is_answered_as_a_problem_too(engines, prefix, request_line, status, code):
    async with door(engines, prefix, "catalog") as shop:
        head, _, body = (await raw(shop.url, lines(request_line, "Host: localhost"))).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"content-type: application/problem+json" in head
        problem = json.loads(body)
        assert (problem["status"], problem["code"]) == (status, code)
        assert b"x-trace-id: " + problem["trace_id"].encode() in head
        assert len(problem["trace_id"]) == 32
        assert shop.fakes["catalog"].requests == []


async def test_too_many_or_too_large_headers_are_refused(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        for headers in ({f"X-H{n}": "1" for n in range(80)}, {"X-Large": "x" * 20_000}):
            answer = await shop.call("GET", "/api/v1/products", headers=headers)
            assert answer.status in (400, 431)
        assert shop.fakes["catalog"].requests == []


async def test_no_variation_of_a_request_gets_around_a_limit(engines, prefix):
    async with door(engines, prefix, limit_auth="60/60/5") as shop:
        variations = [
            ("/api/v1/auth/login", {}),
            ("/api/v1/auth/login/", {}),
            ("/api/v1/auth/login?x=1", {}),
            ("/api/v1/auth/%6Cogin", {}),
            ("/api/v1/auth/register", {}),
            ("/api/v1/auth/login", {"X-Forwarded-For": "10.0.0.7"}),
            ("/api/v1/auth/login", {"X-Real-IP": "10.0.0.8", "Forwarded": "for=10.0.0.9"}),
            ("/api/v1/auth/login", {"Authorization": "Bearer x"}),
        ]
        admitted = 0
        for _ in range(3):
            for target, headers in variations:
                admitted += (await shop.call("POST", target, headers=headers, json={})).status == 200
        assert admitted <= 6
        for target in ("/API/v1/auth/login", "/api/V1/auth/login", "/api/v1/auth/LOGIN"):
            assert (await shop.call("POST", target, json={})).status in (401, 404, 429)


async def test_a_configured_proxy_is_believed_about_the_client_and_about_nothing_more(engines, prefix):
    async with door(engines, prefix, limit_auth="60/60/2", trusted_proxies=("127.0.0.1",)) as shop:

        async def attempt(forwarded_for):
            headers = {"X-Forwarded-For": forwarded_for}
            return (await shop.call("POST", "/api/v1/auth/login", headers=headers, json={})).status

        assert [await attempt("203.0.113.1") for _ in range(3)] == [200, 200, 429]
        assert await attempt("203.0.113.2") == 200
        # what stands left of the proxy's own word is the client's to invent
        assert await attempt("203.0.113.99, 203.0.113.1") == 429


async def test_errors_say_nothing_of_the_inside(engines, prefix):
    async with door(engines, prefix) as shop:
        answer = await shop.call("GET", "/api/v1/products")
        text = answer.content.decode().lower()
        for word in ("traceback", "aiohttp", "127.0.0.1", "redis", "line "):
            assert word not in text
        assert answer.headers["Cache-Control"] == "no-store"
