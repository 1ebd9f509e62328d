"""Fields of the shop's own in a body of a client's (security list 18)."""

from typing import Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

REMEDIATION: Final = (
    "Decode bodies into closed types that name what the caller may set; refuse every other field by name."
)


@probe(
    id="assign-role",
    title="A role in one's own profile",
    severity=Severity.CRITICAL,
    cwe=915,
    owasp=Owasp.PROPERTIES,
    remediation=REMEDIATION,
    services=("gateway", "auth"),
    reaches="auth",
)
async def assign_role(attack: Attack) -> None:
    me = await attack.grounds.person("climber")
    look = "SELECT to_jsonb(u)::text AS row FROM users u WHERE id = $1::uuid"
    (before,) = await attack.site.rows("auth", look, me.user_id)
    for extra in (
        {"roles": ["customer", "admin"]},
        {"role": "admin"},
        {"is_admin": True},
        {"status": "active", "version": 99},
        {"email": "root@attack.example"},
        {"created_at": "2001-01-01T00:00:00Z"},
    ):
        reply = await attack.ask("PATCH", "/api/v1/auth/me", by=me, json={"name": "Climber", **extra})
        if reply.status < 400:
            attack.gained(f"{', '.join(extra)} in a profile was accepted ({reply.status})")
    (after,) = await attack.site.rows("auth", look, me.user_id)
    if before["row"] != after["row"]:
        attack.gained("the account is another than before")


PROBES: Final = (assign_role,)
