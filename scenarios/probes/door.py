"""The gateway and what stands behind it: detours, forged identities, hosts, origins, ambiguous requests
(security list 41 to 49 and 70).
"""

from typing import Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

BEHIND: Final = ("auth", "catalog")
DOOR: Final = ("gateway", *BEHIND)
DETOURS: Final = (
    "/api/v1/products/../../../internal/contract",
    "/api/v1/products/%2e%2e/%2e%2e/%2e%2e/internal/contract",
    "/api/v1/products/..%2f..%2f..%2finternal%2fcontract",
    "/api/v1/products/%252e%252e/%252e%252e/internal/contract",
    "/api/v1/products/..;/..;/internal/contract",
    "/api/v1/products//internal/contract",
    "/internal/contract",
    "//internal/contract",
    "/./internal/contract",
    "/api/v1/../../internal/contract",
    "/api/v1/products/..%5c..%5cinternal%5ccontract",
    "/internal/users/import",
    "/internal/tokens",
    "/metrics",
    "/health/ready",
)
INSIDE: Final = ("consumes", "planted", "http_requests", "python_info", "process_cpu", '"checks"', "access_token")
SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
VERBOSE: Final = ("Traceback", 'File "', ".py", "asyncpg", "sqlalchemy", "SELECT ", "postgresql://", "site-packages")


@probe(
    id="path-traversal",
    title="A detour through the gateway to what is inside",
    severity=Severity.CRITICAL,
    cwe=22,
    owasp=Owasp.CONFIGURATION,
    remediation="Refuse paths that two parsers could read differently; route by a list of public paths.",
    services=DOOR,
    reaches="gateway",
)
async def path_traversal(attack: Attack) -> None:
    mallory, detours = await attack.grounds.person(), set[str]()
    for path in DETOURS:
        for by in (None, mallory):
            reply = await attack.ask("GET", path, by=by)
            if reply.status < 300 and any(word in reply.text for word in INSIDE):
                attack.gained(f"{path} leads inside ({reply.status})")
            detours.add(reply.trace_id)
    for service in BEHIND:
        if await attack.site.logged(service, detours):
            attack.gained(f"a detour was followed to {service}, which had to refuse it itself")
    contract = await attack.ask("GET", "/openapi/openapi.json")
    if '"/internal/' in contract.text:
        attack.gained("the public contract describes internal routes")


@probe(
    id="spoofed-identity",
    title="Headers in which a client says who it is",
    severity=Severity.CRITICAL,
    cwe=290,
    owasp=Owasp.AUTHENTICATION,
    remediation="Strip every identity header at the door; let services believe the gateway's signed token alone.",
    services=DOOR,
    reaches="gateway",
)
async def spoofed_identity(attack: Attack) -> None:
    victim, mallory = await attack.grounds.person("alice"), await attack.grounds.person()
    body = {"path": f"attack-{attack.grounds.name}", "name": "Attack"}
    forged = {
        "X-User-Id": victim.user_id,
        "X-User-Roles": "admin",
        "X-Principal": "admin",
        "X-Internal-Token": "eyJhbGciOiJub25lIiwidHlwIjoiaW50K2p3dCJ9.e30.",
        "X-Shopstream-Role": "admin",
        "X-Original-URL": "/internal/contract",
        "X-Rewrite-URL": "/internal/contract",
        "X-HTTP-Method-Override": "DELETE",
    }
    for headers in ({name: value} for name, value in forged.items()):
        for by in (None, mallory):
            made = await attack.ask("POST", "/api/v1/categories", by=by, headers=headers, json=body)
            if made.status < 300:
                attack.gained(f"{next(iter(headers))} made a customer an administrator")
            me = await attack.ask("GET", "/api/v1/auth/me", by=by, headers=headers)
            if victim.email in me.text:
                attack.gained(f"{next(iter(headers))} made a customer somebody else")


@probe(
    id="direct-port",
    title="A service called past the gateway",
    severity=Severity.HIGH,
    cwe=306,
    owasp=Owasp.AUTHENTICATION,
    remediation="Let every service refuse requests without an internal token meant for it.",
    services=(*DOOR, "inventory"),
    reaches="inventory",
)
async def direct_port(attack: Attack) -> None:
    mallory = await attack.grounds.person()
    for service, method, path in (
        ("inventory", "GET", "/api/v1/stock/low"),
        ("inventory", "GET", "/internal/contract"),
        ("inventory", "POST", "/internal/stock/import"),
        ("auth", "POST", "/internal/tokens"),
        ("auth", "GET", "/api/v1/users"),
        ("catalog", "POST", "/internal/products/import"),
        ("catalog", "POST", "/api/v1/categories"),
    ):
        for token in (None, mallory.access_token):
            headers = {} if token is None else {"X-Internal-Token": token}
            reply = await attack.ask(method, path, service=service, headers=headers, token=token)
            if reply.status != 401:
                attack.gained(f"{service} {method} {path} was not refused past the gateway ({reply.status})")


@probe(
    id="host-header",
    title="A host that is not the shop's",
    severity=Severity.MEDIUM,
    cwe=644,
    owasp=Owasp.CONFIGURATION,
    remediation="Compare the host whole with a list; believe no X-Forwarded-Host.",
    services=DOOR,
    reaches="gateway",
)
async def host_header(attack: Attack) -> None:
    for host in (
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "127x0x0x1",
    ):
        answer = await attack.raw(
            f"GET /api/v1/products HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        if not answer.startswith(b"HTTP/1.1 400"):
            attack.gained(f"the host {host} was served")


@probe(
    id="request-smuggling",
    title="Requests that two parsers read differently",
    severity=Severity.HIGH,
    cwe=444,
    owasp=Owasp.CONFIGURATION,
    remediation="Refuse requests with two lengths, two hosts or an odd transfer coding, and close the connection.",
    services=DOOR,
    reaches="gateway",
)
async def request_smuggling(attack: Attack) -> None:
    attack.require((await attack.ask("GET", "/api/v1/products?limit=1")).status == 200, "the shop does not answer")
    smuggled = "0\r\n\r\nGET /internal/contract HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for head in (
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +5",
        "Content-Length: -1",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, identity",
        "Host: localhost\r\nContent-Length: 0",
    ):
        request = f"POST /api/v1/webhooks/psp HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n{smuggled}"
        answer = await attack.raw(request.encode())
        if answer.count(b"HTTP/1.1 ") > 1 or not answer.startswith(b"HTTP/1.1 4"):
            attack.gained(f"{head!r} was not refused, or a second request came through")


@probe(
    id="cors",
    title="Answers for any origin",
    severity=Severity.MEDIUM,
    cwe=942,
    owasp=Owasp.CONFIGURATION,
    remediation="List the origins that may call, whole; reflect none.",
    services=DOOR,
    reaches="gateway",
)
async def cors(attack: Attack) -> None:
    alice = await attack.grounds.person("alice")
    for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        for method, headers in (("OPTIONS", asked), ("GET", {"Origin": origin})):
            reply = await attack.ask(method, "/api/v1/auth/me", by=alice, headers=headers)
            if reply.headers.get("Access-Control-Allow-Origin") in {origin, "*"}:
                attack.gained(f"{method}: the origin {origin} may read the answer")


@probe(
    id="security-headers",
    title="Answers without the headers that protect their readers",
    severity=Severity.LOW,
    cwe=693,
    owasp=Owasp.CONFIGURATION,
    remediation="Set the headers at the door, on every answer, refusals too; let private answers be stored by nobody.",
    services=DOOR,
    reaches="gateway",
)
async def security_headers(attack: Attack) -> None:
    alice = await attack.grounds.person("alice")
    for path, by in (("/api/v1/products", None), ("/api/v1/auth/me", alice), ("/api/v1/nothing", None)):
        reply = await attack.ask("GET", path, by=by)
        for name, value in SECURITY_HEADERS.items():
            if reply.headers.get(name) != value:
                attack.gained(f"{path}: {name} is {reply.headers.get(name)!r}")
        if by is not None and not {"no-store", "no-cache"} & set(reply.headers.get("Cache-Control", "").split(", ")):
            attack.gained(f"{path}: an answer for one person may be stored")
        if "Set-Cookie" in reply.headers or "Server" in reply.headers:
            attack.gained(f"{path}: a cookie or the server's name")


@probe(
    id="verbose-errors",
    title="Refusals that tell of the inside",
    severity=Severity.MEDIUM,
    cwe=209,
    owasp=Owasp.CONFIGURATION,
    remediation="Answer with problem details of a stable code; keep the reason in the log under the trace id.",
    services=DOOR,
    reaches="catalog",
)
async def verbose_errors(attack: Attack) -> None:
    mallory = await attack.grounds.person()
    for method, path, data in (
        ("GET", "/api/v1/products/nothing-of-that-name", None),
        ("GET", "/api/v1/products?limit=many", None),
        ("GET", "/api/v1/products?cursor=AAAA", None),
        ("POST", "/api/v1/products", b"{"),
        ("POST", "/api/v1/products", b'{"slug": 1}'),
        ("POST", "/api/v1/auth/login", b"[]"),
        ("TRACE", "/api/v1/products", None),
    ):
        reply = await attack.ask(method, path, by=mallory, data=data, headers={"Content-Type": "application/json"})
        told = [word for word in VERBOSE if word in reply.text]
        if told:
            attack.gained(f"{method} {path} tells of {', '.join(told)}")
        if reply.status >= 500:
            attack.gained(f"{method} {path} ended in {reply.status}")


PROBES: Final = (
    path_traversal,
    spoofed_identity,
    direct_port,
    host_header,
    request_smuggling,
    cors,
    security_headers,
    verbose_errors,
)
