"""A look at a run that goes on, on a real database: what the live invariants need is read, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import asyncpg

from scenarios.checkers import named
from scenarios.collection import glance
from scenarios.evidence import RunFacts
from scenarios.fleet import Fleet
from scenarios.history import HistoryWriter
from scenarios.live import LiveWatch
from tests.support.engines import EngineUrls
from tests.support.services import database_of

UNBALANCED = (
    "INSERT INTO ledger_entries (id, transaction_id, account, amount_minor, currency, order_id, kind, previous_hash, "
    "entry_hash) VALUES (gen_random_uuid(), gen_random_uuid(), 'psp_receivable', 100, 'EUR', gen_random_uuid(), "
    "'capture', repeat('0', 64), repeat('a', 64))"
)


@dataclass
class Databases:
    """Of a fleet only where its audit views are."""

    urls: Mapping[str, str]

    def audit_urls(self) -> Mapping[str, str]:
        return self.urls


async def test_a_violation_is_seen_in_the_database_while_the_history_is_being_written(
    engines: EngineUrls, tmp_path: Path
) -> None:
    told: list[str] = []
    checkers = named("INV-07")
    async with database_of(engines, "payments") as url:
        fleet = cast("Fleet", Databases({"payments": url}))
        with HistoryWriter(tmp_path / "history.jsonl") as history:
            history.invoke(history.new_process(), "noop")
            facts = RunFacts(scenario="noop", seed=1, started_at=0.0, history_origin_at=history.origin_at)
            watch = LiveWatch(lambda: glance(fleet, facts, history, checkers), checkers, told.append)
            first = await watch.once()
            connection = await asyncpg.connect(url)
            await connection.execute("ALTER TABLE ledger_entries DISABLE TRIGGER ALL")
            await connection.execute(UNBALANCED)
            await connection.close()
            for _ in range(2):
                await watch.once()
    assert first is not None
    assert len(first.history) == 1
    assert len(told) == 1
    assert "INV-07" in told[0]
