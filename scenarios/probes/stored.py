"""Text that is stored as it should be, and used as code by whoever reads it later (security list 6)."""

from typing import Any, Final
from urllib.parse import quote

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import CHECKOUT
from scenarios.probes.probe import Attack, Reply, probe

SLEEP_S: Final = 3
STORED: Final = ("x' OR '1'='1", f"x'; SELECT pg_sleep({SLEEP_S}); --", "100%' OR title ILIKE '%")
ME: Final = "/api/v1/auth/me"
TEXTS_MAX: Final = 90


@probe(
    id="sql-second-order",
    title="SQL that is stored first and read later",
    severity=Severity.CRITICAL,
    cwe=89,
    owasp=Owasp.INJECTION,
    remediation="Bind every value as a parameter, those that come out of a table as well.",
    services=CHECKOUT,
    reaches="catalog",
)
async def sql_second_order(attack: Attack) -> None:
    """Product titles, people's names and addresses; each is shown, listed, exported and changed afterwards."""
    await attack.grounds.article()
    for number, text in enumerate(STORED):
        await _as_title(attack, text, number)
        await _as_name(attack, text)
        await _as_address(attack, text, number)


async def _as_title(attack: Attack, text: str, number: int) -> None:
    seller, slug = await attack.grounds.person("author", "seller"), f"stored-{number}-{attack.grounds.name}"
    product: dict[str, Any] = {"slug": slug, "title": text, "category": "household", "variants": []}
    made = await attack.ask("POST", "/api/v1/products", by=seller, json=product)
    attack.require(made.status == 201, f"nobody could offer a product: {made.status} {made.code}")
    shown = await attack.ask("GET", f"/api/v1/products/{slug}", by=seller)
    _literal(attack, shown, text, what="a title")
    if shown.document.get("title") != text:
        attack.gained(f"the title {text!r} came back as {shown.document.get('title')!r}")
    related = await attack.ask("GET", f"/api/v1/products/{slug}/related", by=seller)
    _literal(attack, related, "", what="the products related to a title")
    if related.items:
        attack.gained(f"the stored title {text!r} found {len(related.items)} products that nobody related to it")
    for query in (f"status=draft&q={quote(text, safe='')}", "status=draft"):
        listed = await attack.ask("GET", f"/api/v1/products?{query}", by=seller)
        _literal(attack, listed, "", what="a list with the title in it")
        if any(not one["slug"].startswith("stored-") for one in listed.items):
            attack.gained(f"the stored title {text!r} showed drafts of others")
    changed = await attack.ask(
        "PATCH", f"/api/v1/products/{slug}", by=seller, json={"description": text}, headers={"If-Match": '"1"'}
    )
    _literal(attack, changed, text, what="a description")


async def _as_name(attack: Attack, text: str) -> None:
    me = await attack.grounds.person("named")
    changed = await attack.ask("PATCH", ME, by=me, json={"name": text})
    attack.require(changed.status == 200, f"nobody could change her name: {changed.status} {changed.code}")
    for path in (ME, f"{ME}/export"):
        _literal(attack, await attack.ask("GET", path, by=me), text, what=path)
    named = await attack.site.rows("auth", "SELECT count(*) AS people FROM users WHERE name = $1", text)
    if named[0]["people"] != 1:
        attack.gained(f"{named[0]['people']} people are called {text!r}")


async def _as_address(attack: Attack, text: str, number: int) -> None:
    order = await attack.grounds.order_to(f"addressed-{number}", {"name": text, "city": text[:TEXTS_MAX]})
    await attack.grounds.paid(order)
    for path in (f"/{order.id}", f"/{order.id}/history", "", f"/{order.id}/invoice"):
        page = await attack.ask("GET", f"/api/v1/orders{path}", by=order.owner)
        _literal(attack, page, "", what=f"/orders{path.replace(order.id, '…')}")
        attack.require(page.status == 200, f"her own order is not shown: {page.status} {page.code}")
        if page.document.get("shipping_address", {"name": text}).get("name") != text:
            attack.gained(f"the name {text!r} of an address came back as another")
        if any(one.get("id", order.id) != order.id for one in page.items):
            attack.gained(f"the stored address {text!r} showed orders of others")
    parcels = await attack.ask("GET", f"/api/v1/shipments?order_id={order.id}", by=order.owner)
    _literal(attack, parcels, "", what="the parcels of an order")


def _literal(attack: Attack, reply: Reply, text: str, *, what: str) -> None:
    """Whether an answer shows the text as it was stored, and nothing of it was done."""
    if reply.status >= 500:
        attack.gained(f"{what}: a stored text broke a statement ({reply.status})")
    if reply.seconds >= SLEEP_S:
        attack.gained(f"{what}: the database slept {reply.seconds:.1f} s")
    if reply.status < 300 and text not in reply.text:
        attack.gained(f"{what}: {text!r} is not shown as it was stored")


PROBES: Final = (sql_second_order,)
