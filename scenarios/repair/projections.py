"""`repair projections`: what search and analytics show otherwise than those whose events they follow.

The rule: both are rebuilt whole, beside what is in use, the index from the catalog and the figures from the stored
events; nothing outside of them is touched, so that no mail and no parcel goes out again. What differs even then was
never a matter of projecting, and is named.
"""

from typing import Final

import msgspec

from compose.operator_error import OperatorError
from scenarios.checkers.in_order import newest_product_events, stale_documents
from scenarios.checkers.projections_agree import index_differences, uncounted_orders
from scenarios.evidence import Evidence, RunFacts
from scenarios.faults.fault import until
from scenarios.fleet import Fleet
from scenarios.index_reading import read_index
from scenarios.quiescence import Quiescence, quiesce
from scenarios.reindexing import REBUILD_S_MAX, rebuild_index
from scenarios.snapshots import take_snapshots

QUIESCE_S: Final = 90.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Products that search shows otherwise than the catalog, orders that analytics counts otherwise than they stand."""

    products: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the fleet needs no repair of this kind."""
        return not (self.products or self.orders)


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What was rebuilt, how the fleet came to rest, and what differs still."""

    index_rebuilt: bool
    figures_rebuilt: bool
    quiescence: Quiescence
    left: Plan


def plan(evidence: Evidence) -> Plan:
    """What differs. Pure."""
    stale = {event.aggregate_id for event, _ in stale_documents(evidence)}
    stale |= {variant.product_id for variant, _, _ in index_differences(evidence)}
    return Plan(products=tuple(sorted(stale)), orders=tuple(sorted(uncounted_orders(evidence))))


async def look(fleet: Fleet) -> Plan:
    """The plan for the fleet as it stands. Raises OperatorError (snapshot.lacks) when a part cannot be read."""
    snapshots = await take_snapshots(fleet.audit_urls())
    evidence = Evidence(
        facts=RunFacts(scenario="repair", seed=0, started_at=0.0, history_origin_at=0.0),
        history=[],
        audit=snapshots.tables,
    )
    evidence.audit.index, unread = await read_index(fleet, newest_product_events(evidence))
    if problems := [*snapshots.problems, *unread]:
        raise OperatorError(
            "snapshot.lacks", f"Not everything could be read: {problems[0]}.", mend="Look with: shopctl status."
        )
    return plan(evidence)


async def apply(fleet: Fleet, planned: Plan, *, since: float) -> Repaired:
    """Rebuild what the plan has something of. `since` (epoch seconds) bounds the work to wait for.

    Raises OperatorError (rebuild.failed).
    """
    if planned.products:
        await rebuild_index(fleet)
    if planned.orders:
        await _rebuild_figures(fleet)
    rest = await quiesce(fleet, since=since, deadline_s=QUIESCE_S)
    return Repaired(
        index_rebuilt=bool(planned.products),
        figures_rebuilt=bool(planned.orders),
        quiescence=rest,
        left=await look(fleet) if not planned.empty else planned,
    )


async def _rebuild_figures(fleet: Fleet) -> None:
    begun = await fleet.call("analytics", "POST", "/internal/projections/rebuild")

    async def ended() -> bool:
        now = await fleet.call("analytics", "GET", "/internal/projections")
        return now["current"] > begun["current"]

    if not await until(ended, deadline_s=REBUILD_S_MAX):
        raise OperatorError(
            "rebuild.failed",
            f"Analytics' figures could not be rebuilt: not done after {REBUILD_S_MAX:g} s.",
            mend="Look with: shopctl logs, shopctl jobs list.",
        )
