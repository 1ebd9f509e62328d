"""Secrets that must stay where they belong: out of logs, answers and tables (security list 19, 38 and 66)."""

from typing import Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

CARD_NUMBER: Final = "4111111111111111"
PROFILE: Final = frozenset({"id", "email", "name", "roles", "status", "version", "created_at"})
PRODUCT: Final = frozenset(
    {
        "id", "slug", "title", "description", "category", "status", "tax_class", "approved", "seller_id", "version",
        "variants", "attributes", "media",
    }
)  # fmt: skip


@probe(
    id="secret-in-log",
    title="Passwords, tokens and card numbers in a log",
    severity=Severity.HIGH,
    cwe=532,
    owasp=Owasp.LOGGING,
    remediation="Log names and counts, never bodies or headers; redact at the one place through which every line goes.",
    services=("gateway", "auth", "catalog"),
    reaches="auth",
)
async def secret_in_log(attack: Attack) -> None:
    """Sends secrets wherever a careless log would take them down."""
    me = await attack.grounds.person("careless")
    wrong = f"wrong-{attack.grounds.name}-Canary7"
    login = "/api/v1/auth/login"
    await attack.ask("POST", login, json={"email": me.email, "password": wrong})
    signed_in = await attack.ask("POST", login, json={"email": me.email, "password": me.password})
    attack.require(signed_in.status == 200, "an honest sign-in was refused")
    pair = signed_in.json
    await attack.ask("POST", "/api/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    await attack.ask("GET", f"/api/v1/products?q={wrong}&token={pair['access_token']}")
    await attack.ask("POST", login, data=f'{{"email": "{me.email}", "password": "{wrong}'.encode())
    await attack.ask("PATCH", "/api/v1/auth/me", by=me, json={"name": f"Ann {CARD_NUMBER}"})
    for what, secret in (
        ("a password", me.password),
        ("a mistyped password", wrong),
        ("a refresh token", pair["refresh_token"]),
        ("an access token", pair["access_token"]),
        ("a card number", CARD_NUMBER),
    ):
        if await attack.site.written(secret):
            attack.gained(f"{what} stands in a log")


@probe(
    id="password-stored",
    title="A password stored as it is",
    severity=Severity.CRITICAL,
    cwe=256,
    owasp=Owasp.AUTHENTICATION,
    remediation="Store Argon2id hashes alone; of keys and one-time tokens store digests.",
    services=("gateway", "auth"),
    reaches="auth",
)
async def password_stored(attack: Attack) -> None:
    me = await attack.grounds.person("keeper")
    fresh = f"new-{attack.grounds.name}-Canary8"
    change = {"current_password": me.password, "new_password": fresh}
    changed = await attack.ask("POST", "/api/v1/auth/password", by=me, json=change)
    attack.require(changed.status == 200, f"nobody could change a password: {changed.status}")
    pair = await attack.ask("POST", "/api/v1/auth/login", json={"email": me.email, "password": fresh})
    attack.require(pair.status == 200, "the new password does not work")
    made = await attack.ask(
        "POST",
        "/api/v1/auth/api-keys",
        by=me,
        token=pair.json["access_token"],
        json={"name": "mine", "scopes": ["orders:read"], "password": fresh},
    )
    attack.require(made.status == 201, f"nobody could make an API key: {made.status}")
    secrets = {"password": fresh, "refresh token": pair.json["refresh_token"], "API key": made.json["key"]}
    tables = await attack.site.rows("auth", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for table in (row["tablename"] for row in tables):
        for what, secret in secrets.items():
            statement = f'SELECT count(*) AS found FROM "{table}" t WHERE strpos(t::text, $1) > 0'  # noqa: S608 -- own
            (row,) = await attack.site.rows("auth", statement, secret)
            if row["found"]:
                attack.gained(f"the {what} stands in the table {table} as it is")


@probe(
    id="excessive-exposure",
    title="Answers with more than their reader needs",
    severity=Severity.MEDIUM,
    cwe=213,
    owasp=Owasp.PROPERTIES,
    remediation="Answer with types of their own that list what is shown; never with a row.",
    services=("gateway", "auth", "catalog"),
    reaches="catalog",
)
async def excessive_exposure(attack: Attack) -> None:
    me, article = await attack.grounds.person(), await attack.grounds.article()
    for path, allowed in (("/api/v1/auth/me", PROFILE), (f"/api/v1/products/{article.slug}", PRODUCT)):
        reply = await attack.ask("GET", path, by=me)
        attack.require(reply.status == 200, f"{path} is not answered: {reply.status}")
        more = sorted(set(reply.json) - allowed)
        if more:
            attack.gained(f"{path} shows {', '.join(more)}")


PROBES: Final = (secret_in_log, password_stored, excessive_exposure)
