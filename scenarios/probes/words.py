"""What is searched and paged by: the syntax of an engine, windows, cursors (security list 5, 7 to 9)."""

import base64
import time
from typing import Final
from urllib.parse import quote

import msgspec

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

SHOP: Final = ("gateway", "auth", "catalog")
SEARCH: Final = (*SHOP, "search")
SYNTAX: Final = (
    "{} OR *:*",
    "{} || title:*",
    "{} OR _exists_:title",
    "{} OR /.*/",
    "{} OR [* TO *]",
    "{}* OR *",
    '{}"}}]}},"query":{{"match_all":{{}}}}',
    "{} OR script:ctx",
)
WILD: Final = ("%25", "_%25", "*", "?", "%25%25%25%25%25%25%25%25%25%25%25%25%25%25%25%25", "***********", "%5C%25")
INDEXED_LIMIT_S: Final = 30.0
SECONDS_MAX: Final = 2.0
PAGE_MAX: Final = 100


@probe(
    id="search-syntax",
    title="The engine's own syntax in the words of a search",
    severity=Severity.HIGH,
    cwe=943,
    owasp=Owasp.INJECTION,
    remediation="Build the engine's query of values alone; give it no text of the caller's to parse.",
    services=SEARCH,
    reaches="search",
)
async def search_syntax(attack: Attack) -> None:
    """A word that no product has, and syntax: whatever is found was found by the syntax."""
    article = await attack.grounds.article()
    until = time.monotonic() + INDEXED_LIMIT_S
    while not (await attack.ask("GET", f"/api/v1/search?q={article.sku}")).items:
        attack.require(time.monotonic() < until, "a new product never came into the index")
    nothing = f"zz{attack.grounds.name}"
    for payload in SYNTAX:
        reply = await attack.ask("GET", f"/api/v1/search?q={quote(payload.format(nothing), safe='')}")
        if reply.items:
            attack.gained(f"{payload!r}: {len(reply.items)} products that do not match")
        elif reply.status >= 500:
            attack.gained(f"{payload!r} broke the query ({reply.status})")
    for window in ("limit=100000", "limit=-1", "cursor=AAAA", "sort=_doc", "sort=title%3Adesc", "category=..%2F_all"):
        reply = await attack.ask("GET", f"/api/v1/search?{window}")
        if not 400 <= reply.status < 500:
            attack.gained(f"{window} was not refused ({reply.status})")


@probe(
    id="wildcards",
    title="Wildcards in the words of a search",
    severity=Severity.LOW,
    cwe=155,
    owasp=Owasp.RESOURCES,
    remediation="Escape the wildcards of LIKE, or match words with none; bound how many there are.",
    services=SHOP,
    reaches="catalog",
)
async def wildcards(attack: Attack) -> None:
    await attack.grounds.article()
    for pattern in WILD:
        for parameter in ("q", "category", "skus"):
            reply = await attack.ask("GET", f"/api/v1/products?{parameter}={pattern}")
            if reply.items:
                attack.gained(f"{parameter}={pattern} matches anything: {len(reply.items)} products")
            if reply.status >= 500 or reply.seconds > SECONDS_MAX:
                attack.gained(f"{parameter}={pattern}: {reply.status} after {reply.seconds:.1f} s")


@probe(
    id="cursors",
    title="Pages cut where nobody offered them",
    severity=Severity.MEDIUM,
    cwe=20,
    owasp=Owasp.INJECTION,
    remediation="Decode a cursor into typed, bounded values of its own list; bound the size of a page.",
    services=SHOP,
    reaches="catalog",
)
async def cursors(attack: Attack) -> None:
    forged = (
        [1, "products", ["' OR 1=1 --"]],
        [1, "products", [2**62]],
        [1, "products", [float("nan")]],
        [1, "users", ["00000000-0000-7000-8000-000000000000"]],
        {"$gt": ""},
    )
    made = [base64.urlsafe_b64encode(msgspec.msgpack.encode(one)).rstrip(b"=").decode() for one in forged]
    for cursor in (*made, "A" * 5_000, "..%2f..%2f", "%00", "'", "-1"):
        reply = await attack.ask("GET", f"/api/v1/products?cursor={cursor}")
        if not 400 <= reply.status < 500:
            attack.gained(f"the cursor {cursor[:40]} was not refused ({reply.status})")
    for limit in ("0", "-1", "1000000", "1e9", "9223372036854775808", "NaN", "1;DROP"):
        reply = await attack.ask("GET", f"/api/v1/products?limit={limit}")
        if not 400 <= reply.status < 500 or len(reply.items) > PAGE_MAX:
            attack.gained(f"limit={limit} was not refused ({reply.status})")


PROBES: Final = (search_syntax, wildcards, cursors)
