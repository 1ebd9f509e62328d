"""What a whole suite leaves behind, read past the services: rows that are gone, secrets in tables, the audit log."""

from collections.abc import Mapping
from typing import Final

import msgspec

from scenarios.probes.site import Site

AFTERMATH: Final = "aftermath"
"""The function of its operation in the history."""
STANDING: Final[Mapping[str, tuple[str, ...]]] = {
    "auth": ("users", "api_keys", "second_factors", "recovery_codes", "signing_keys", "security_events"),
    "catalog": ("products", "variants", "variant_prices", "categories", "price_windows", "price_history"),
    "inventory": ("warehouses", "purchase_limits", "allocation_ranks", "movements"),
    "orders": ("coupons", "promotions", "tax_rates", "order_lines", "order_notes"),
    "payments": ("payment_methods", "ledger_entries", "refunds", "disputes"),
    "shipping": ("shipping_rates", "zones", "zone_countries", "carriers", "boxes", "item_measures"),
    "notifications": ("webhook_endpoints",),
    "analytics": ("saved_reports", "report_schedules"),
}
"""Tables whose rows nothing changes while customers buy: an attack may add rows of its own people to them, and must
leave every other as it was. Of what buying changes (stock, orders, payments) the invariants of the shop speak."""
PASSWORDS: Final = "pw-[0-9a-f]{10}-[a-z]+-Canary[0-9]"
"""Passwords of the suite's people, as `Grounds` makes them (POSIX pattern)."""
AUDITED: Final = (
    "login",
    "login_failed",
    "refresh_reused",
    "logout",
    "api_key_created",
    "api_key_revoked",
    "rights_changed",
    "erased",
)
"""What the suite does of itself that the audit log must tell of."""
Rows = dict[str, frozenset[str]]
"""The digests of a table's rows, by `service.table`."""


class Aftermath(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`lost` counts by table the rows that are changed or gone, `compared` all that were looked at; `secrets` are the
    tables that hold a password as it is; `audited` counts events by kind since the suite began.
    """

    compared: int
    lost: dict[str, int] = {}
    secrets: tuple[str, ...] = ()
    audited: dict[str, int] = {}


async def standing(site: Site) -> Rows:
    """Every row of the standing tables, by its digest."""
    found: Rows = {}
    for service, tables in STANDING.items():
        for table in tables:
            rows = await site.rows(service, f'SELECT md5(t::text) AS row FROM "{table}" t')  # noqa: S608 -- own names
            found[f"{service}.{table}"] = frozenset(row["row"] for row in rows)
    return found


async def last_event(site: Site) -> int:
    """The number of the newest event of the audit log."""
    (row,) = await site.rows("auth", "SELECT coalesce(max(id), 0) AS last FROM security_events")
    return row["last"]


async def aftermath(site: Site, before: Rows, *, after_event: int) -> Aftermath:
    """What has become of the rows of before, what tables keep of secrets, and what was audited since."""
    after = await standing(site)
    events = await site.rows(
        "auth", "SELECT kind, count(*) AS events FROM security_events WHERE id > $1 GROUP BY kind", after_event
    )
    return Aftermath(
        compared=sum(map(len, before.values())),
        lost={table: len(rows - after[table]) for table, rows in before.items() if rows - after[table]},
        secrets=tuple([table for service in STANDING for table in await _with_secrets(site, service)]),
        audited={row["kind"]: row["events"] for row in events},
    )


async def _with_secrets(site: Site, service: str) -> list[str]:
    """The service's tables, all of them, that hold a password."""
    tables = await site.rows(service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return [
        f"{service}.{table}"
        for table in (row["tablename"] for row in tables)
        if await site.rows(service, f'SELECT 1 FROM "{table}" t WHERE t::text ~ $1 LIMIT 1', PASSWORDS)  # noqa: S608
    ]
