"""Gathers what the judges look at, from a fleet as it stands now."""

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path

from scenarios.evidence import Evidence, RunFacts
from scenarios.fleet import AUDITED_SERVICES, Fleet
from scenarios.history import read_history
from scenarios.run_directory import history_path
from scenarios.snapshots import take_snapshots
from scenarios.world.journals import Marks, read_journals


async def collect(fleet: Fleet, facts: RunFacts, directory: Path, *, since: Marks) -> Evidence:
    """History, audit views and journals, as they stand now."""
    facts.subscriptions = await subscriptions(fleet)
    snapshots = await take_snapshots(fleet.audit_urls())
    facts.problems.extend(snapshots.problems)
    facts.ended_at = time.time()
    journals = await asyncio.to_thread(read_journals, fleet.layout.world, since)
    history = await asyncio.to_thread(read_history, history_path(directory))
    return Evidence(facts=facts, history=history, audit=snapshots.tables, journals=journals)


async def subscriptions(fleet: Fleet) -> dict[str, list[str]]:
    """Event types by consuming service, as the services themselves declare them."""

    async def of(service: str) -> list[str]:
        contract = await fleet.call(service, "GET", "/internal/contract")
        return list(contract["consumes"])

    calls: list[Awaitable[list[str]]] = [of(service) for service in AUDITED_SERVICES]
    return dict(zip(AUDITED_SERVICES, await asyncio.gather(*calls), strict=True))
