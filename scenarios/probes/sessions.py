"""Sessions after their end, tokens used twice, guesses, and who has an account (security list 27 to 35)."""

import asyncio
import time
from typing import Any, Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import Person
from scenarios.probes.probe import Attack, Reply, probe

DOOR: Final = ("gateway", "auth")
LOGIN: Final = "/api/v1/auth/login"
REFRESH: Final = "/api/v1/auth/refresh"
ME: Final = "/api/v1/auth/me"
ENDED_WITHIN_S: Final = 2.0
"""How long an ended session may live on at the gateway: the stated bound is a second, and machines are busy."""
GUESSES: Final = 24
GUESSES_LET_IN_MAX: Final = 12
"""Five are free, and each further one costs a wait that doubles: nobody gets more than a few within the attack."""
DEFAULTS: Final = (
    ("admin@shopstream.example", "admin"),
    ("admin@shopstream.example", "password"),
    ("admin@shopstream.example", "shopstream"),
    ("admin@shopstream.example", "changeme"),
    ("admin@example.com", "admin"),
    ("root@shopstream.example", "root"),
)


async def signed_in(attack: Attack, person: Person) -> dict[str, Any]:
    """A person's tokens by her password."""
    reply = await attack.ask("POST", LOGIN, json={"email": person.email, "password": person.password})
    attack.require(reply.status == 200, f"an honest sign-in was refused: {reply.status} {reply.code}")
    return reply.json


@probe(
    id="refresh-reuse",
    title="A refresh token used twice, one after the other and at once",
    severity=Severity.HIGH,
    cwe=294,
    owasp=Owasp.AUTHENTICATION,
    remediation="Give each refresh token one successor; end the session when one is shown again.",
    services=DOOR,
    reaches="auth",
)
async def refresh_reuse(attack: Attack) -> None:
    victim = await attack.grounds.person("rotator")
    pair = await signed_in(attack, victim)
    body = {"refresh_token": pair["refresh_token"]}
    attack.require((await attack.ask("POST", REFRESH, json=body)).status == 200, "an honest refresh was refused")
    if (await attack.ask("POST", REFRESH, json=body)).status == 200:
        attack.gained("a refresh token that had been used gave tokens again")
    body = {"refresh_token": (await signed_in(attack, victim))["refresh_token"]}
    replies = await asyncio.gather(*(attack.ask("POST", REFRESH, json=body) for _ in range(10)))
    children = sum(reply.status == 200 for reply in replies)
    if children > 1:
        attack.gained(f"ten uses of one refresh token at once gave {children} successors")


@probe(
    id="ended-session",
    title="An access token after its session was ended",
    severity=Severity.HIGH,
    cwe=613,
    owasp=Owasp.AUTHENTICATION,
    remediation="Let the gateway know ended sessions within a second and refuse their tokens.",
    services=DOOR,
    reaches="gateway",
)
async def ended_session(attack: Attack) -> None:
    pair = await signed_in(attack, await attack.grounds.person("leaver"))
    stolen = pair["access_token"]
    attack.require((await attack.ask("GET", "/api/v1/auth/sessions", token=stolen)).status == 200, "no session")
    ended = await attack.ask("POST", "/api/v1/auth/logout", token=stolen)
    attack.require(ended.status == 204, f"nobody could log out: {ended.status}")
    await soon_refused(attack, "/api/v1/auth/sessions", stolen, what="after the end of its session a token")


async def soon_refused(attack: Attack, path: str, token: str, *, what: str) -> None:
    """What was taken back opens nothing any more, within the time that its announcement may take."""
    until = time.monotonic() + ENDED_WITHIN_S
    while (reply := await attack.ask("GET", path, token=token)).status != 401:
        if time.monotonic() > until:
            attack.gained(f"{ENDED_WITHIN_S:g} s {what} still works ({reply.status})")
            return
        await asyncio.sleep(0.1)


@probe(
    id="brute-force",
    title="Guessing a password from ever another address",
    severity=Severity.HIGH,
    cwe=307,
    owasp=Owasp.AUTHENTICATION,
    remediation="Count guesses per account as well as per address; let each further one wait twice as long.",
    services=DOOR,
    reaches="auth",
)
async def brute_force(attack: Attack) -> None:
    victim = await attack.grounds.person("guessed")
    looked_at = 0
    for number in range(GUESSES):
        guess = {"email": victim.email, "password": f"guess number {number}"}
        reply = await attack.ask("POST", LOGIN, json=guess, host=number)
        looked_at += reply.status == 401
    if looked_at > GUESSES_LET_IN_MAX:
        attack.gained(f"{looked_at} of {GUESSES} guesses were looked at, from as many addresses")


@probe(
    id="default-credentials",
    title="Well-known credentials",
    severity=Severity.CRITICAL,
    cwe=1392,
    owasp=Owasp.AUTHENTICATION,
    remediation="Ship no account with a password that is not the operator's own.",
    services=DOOR,
    reaches="auth",
)
async def default_credentials(attack: Attack) -> None:
    victim = await attack.grounds.person("insider", "admin")
    for number, (email, password) in enumerate((*DEFAULTS, (victim.email, "admin"), (victim.email, "letmein"))):
        reply = await attack.ask("POST", LOGIN, json={"email": email, "password": password}, host=number)
        if reply.status == 200:
            attack.gained(f"signed in as {email} with the password {password!r}")


@probe(
    id="account-enumeration",
    title="Who has an account, told by an answer",
    severity=Severity.MEDIUM,
    cwe=204,
    owasp=Owasp.AUTHENTICATION,
    remediation="Answer known and unknown addresses alike; let a letter decide.",
    services=DOOR,
    reaches="auth",
)
async def account_enumeration(attack: Attack) -> None:
    known = (await attack.grounds.person("alice")).email
    unknown = f"nobody-{attack.grounds.name}@attack.example"
    strong = f"horse {attack.grounds.name} battery"
    for path, rest in (
        (LOGIN, {"password": "not it at all"}),
        ("/api/v1/auth/register", {"password": strong, "name": "Eve"}),
        ("/api/v1/auth/password-reset", {}),
    ):
        told = [await attack.ask("POST", path, json={"email": email, **rest}) for email in (known, unknown)]
        if _said(told[0], known) != _said(told[1], unknown):
            attack.gained(f"{path} answers known and unknown addresses differently")


def _said(reply: Reply, email: str) -> tuple[int, str]:
    """What an answer says, but for what is of the request itself."""
    said = {name: value for name, value in reply.document.items() if name != "trace_id"}
    return reply.status, str(said).replace(email, "")


@probe(
    id="stale-role",
    title="A role that was taken away, used on",
    severity=Severity.HIGH,
    cwe=613,
    owasp=Owasp.AUTHENTICATION,
    remediation="End the sessions of whoever loses a role, and let the gateways hear of it.",
    services=DOOR,
    reaches="auth",
)
async def stale_role(attack: Attack) -> None:
    fallen = await attack.grounds.person("fallen", "support")
    attack.require((await attack.ask("GET", "/api/v1/users", by=fallen)).status == 200, "support cannot do its work")
    await attack.site.call("auth", "PATCH", f"/api/v1/users/{fallen.user_id}", json={"roles": ["customer"]})
    until = time.monotonic() + ENDED_WITHIN_S
    while (reply := await attack.ask("GET", "/api/v1/users", by=fallen)).status < 400 and time.monotonic() < until:
        await asyncio.sleep(0.05)
    if reply.status < 400:
        attack.gained(f"a role lives on {ENDED_WITHIN_S:.0f} s after its end")


@probe(
    id="session-fixation",
    title="A session that is known before its owner signs in",
    severity=Severity.MEDIUM,
    cwe=384,
    owasp=Owasp.AUTHENTICATION,
    remediation="Make a new session at every sign-in; take none from a client.",
    services=DOOR,
    reaches="auth",
)
async def session_fixation(attack: Attack) -> None:
    victim = await attack.grounds.person("fixed")
    planted = "0198a000-0000-7000-8000-00000000cafe"
    known = {"email": victim.email, "password": victim.password}
    seen: set[str] = {planted}
    for _ in range(2):
        planting = {"Cookie": f"session={planted}; sid={planted}", "X-Session-Id": planted}
        reply = await attack.ask("POST", f"{LOGIN}?session_id={planted}", json=known, headers=planting)
        attack.require(reply.status == 200, f"an honest sign-in was refused: {reply.status} {reply.code}")
        own = await attack.ask("GET", "/api/v1/auth/sessions", by=victim, token=reply.json["access_token"])
        attack.require(own.status == 200, f"nobody sees her sessions: {own.status}")
        if own.json["current"] in seen:
            attack.gained("a sign-in went on with a session that was there before")
        seen.add(own.json["current"])


@probe(
    id="weak-passwords",
    title="Passwords that are guessed first, and reset tokens that nobody was sent",
    severity=Severity.MEDIUM,
    cwe=521,
    owasp=Owasp.AUTHENTICATION,
    remediation="Refuse short, common and endless passwords; make tokens of 128 random bits that end and work once.",
    services=DOOR,
    reaches="auth",
)
async def weak_passwords(attack: Attack) -> None:
    me = await attack.grounds.person("careful")
    for number, weak in enumerate(("", "short", "password", "12345678", "qwertyuiop", "x" * 129)):
        body = {"email": f"weak{number}-{attack.grounds.name}@attack.example", "password": weak, "name": "Weak"}
        reply = await attack.ask("POST", "/api/v1/auth/register", json=body, host=number)
        if reply.status < 400:
            attack.gained(f"{weak[:20]!r} was taken for a password")
        change = {"current_password": me.password, "new_password": weak}
        reply = await attack.ask("POST", "/api/v1/auth/password", by=me, json=change, host=number)
        if reply.status < 400:
            attack.gained(f"{weak[:20]!r} replaced a password")
    for number, token in enumerate(("", "0", "000000", "null", "rst_" + "a" * 43, me.user_id, "x" * 5_000)):
        body = {"token": token, "new_password": f"horse {attack.grounds.name} battery 9"}
        reply = await attack.ask("POST", "/api/v1/auth/password-reset/confirm", json=body, host=100 + number)
        if not 400 <= reply.status < 500:
            attack.gained(f"the reset token {token[:20]!r} was not refused ({reply.status})")


PROBES: Final = (
    refresh_reuse,
    ended_session,
    brute_force,
    default_credentials,
    account_enumeration,
    stale_role,
    session_fixation,
    weak_passwords,
)
