"""Gathers what the judges look at, from a fleet as it stands now."""

import asyncio
import time
from pathlib import Path

from scenarios.evidence import Evidence, RunFacts
from scenarios.fleet import Fleet
from scenarios.history import read_history
from scenarios.index_reading import look_into_index
from scenarios.log_reading import read_logs
from scenarios.run_directory import history_path
from scenarios.snapshots import take_snapshots
from scenarios.world.journals import Marks, read_journals


async def collect(fleet: Fleet, facts: RunFacts, directory: Path, *, since: Marks) -> Evidence:
    """History, audit views, index, journals and the logs since the run began, as they stand now."""
    facts.subscriptions = fleet.subscriptions()
    snapshots = await take_snapshots(fleet.audit_urls())
    await look_into_index(fleet, snapshots, since=facts.started_at)
    facts.problems.extend(snapshots.problems)
    facts.ended_at = time.time()
    journals = await asyncio.to_thread(read_journals, fleet.layout.world, since)
    history = await asyncio.to_thread(read_history, history_path(directory))
    logs, facts.log_lines = await asyncio.to_thread(read_logs, fleet.layout.logs, since=facts.started_at)
    return Evidence(facts=facts, history=history, audit=snapshots.tables, journals=journals, logs=logs)
