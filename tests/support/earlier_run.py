"""Evidence of a fleet on which a run was played before: its rows lie beside those of the run that is judged."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from scenarios.evidence import AuditTables, Evidence, residue_of
from scenarios.evidence import rows as audit
from tests.support.builders.fleet_rows import SKU, chained_hash

EARLIER_S = 7_200.0
EPOCH_S_MIN = 1e9
SHARED = ("tax_rates", "shipping_rates", "coupons", "promotions", "conversion_quotes")
"""What the shop sells by; no run leaves anything there."""
UUID_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def after(earlier: Evidence, now: Evidence) -> Evidence:
    """What a judge of the run `now` finds where `earlier` was played two hours before.

    Both are built alike; the earlier run's ids, goods and times are others. Journals are read from the beginning of a
    run on.
    """
    before = _moved(earlier.audit)
    tables: dict[str, Any] = {
        name: rows if name in SHARED else [*getattr(before, name), *rows]
        for name in AuditTables.__struct_fields__
        if isinstance(rows := getattr(now.audit, name), list)
    }
    tables["ledger"] = _chained(tables["ledger"])
    tables["revenue_daily"] = _summed(tables["revenue_daily"])
    now.facts.residue = residue_of(before)
    return replace(now, audit=AuditTables(**tables))


def _moved(value: Any) -> Any:
    match value:
        case msgspec.Struct():
            return type(value)(**{name: _moved(getattr(value, name)) for name in value.__struct_fields__})
        case list():
            return [_moved(one) for one in value]
        case float() if value > EPOCH_S_MIN:
            return value - EARLIER_S
        case str():
            return UUID_TEXT.sub(lambda found: str(uuid5(NAMESPACE_URL, f"earlier {found[0]}")), value).replace(
                SKU, "JACKET-0"
            )
        case _:
            return value


def _chained(entries: Iterable[audit.LedgerRow]) -> list[audit.LedgerRow]:
    """One chain per currency over both runs."""
    last: dict[str, str] = {}
    chained: list[audit.LedgerRow] = []
    for entry in entries:
        linked = msgspec.structs.replace(entry, previous_hash=last.get(entry.currency, ""))
        last[entry.currency] = chained_hash(linked)
        chained.append(msgspec.structs.replace(linked, entry_hash=last[entry.currency]))
    return chained


def _summed(days: Iterable[audit.RevenueRow]) -> list[audit.RevenueRow]:
    found: dict[tuple[str, str], audit.RevenueRow] = {}
    for day in days:
        known = found.get((day.day, day.currency))
        found[day.day, day.currency] = (
            day
            if known is None
            else msgspec.structs.replace(
                day,
                orders=known.orders + day.orders,
                paid_minor=known.paid_minor + day.paid_minor,
                refunded_minor=known.refunded_minor + day.refunded_minor,
            )
        )
    return list(found.values())
