"""A look at a run that goes on, on a real database, by the process that looks."""

from pathlib import Path

import asyncpg

from scenarios.evidence import RunFacts
from scenarios.history import HistoryWriter
from scenarios.live import LiveWatch
from scenarios.live_looker import Looker, Sight
from tests.support.engines import EngineUrls
from tests.support.services import database_of

UNBALANCED = (
    "INSERT INTO ledger_entries (id, transaction_id, account, amount_minor, currency, order_id, kind, previous_hash, "
    "entry_hash) VALUES (gen_random_uuid(), gen_random_uuid(), 'psp_receivable', 100, 'EUR', gen_random_uuid(), "
    "'capture', repeat('0', 64), repeat('a', 64))"
)


async def test_a_violation_is_seen_in_the_database_while_the_history_is_being_written(
    engines: EngineUrls, tmp_path: Path
) -> None:
    told: list[str] = []
    async with database_of(engines, "payments") as url:
        with HistoryWriter(tmp_path / "history.jsonl") as history:
            history.invoke(history.new_process(), "noop")
            history.flush()
            facts = RunFacts(scenario="noop", seed=1, started_at=0.0, history_origin_at=history.origin_at)
            looker = Looker(Sight(urls={"payments": url}, history=str(history.path), checkers=("INV-07",)))
            watch = LiveWatch(lambda: looker.look(facts), told.append)
            try:
                await watch.once()
                connection = await asyncpg.connect(url)
                await connection.execute("ALTER TABLE ledger_entries DISABLE TRIGGER ALL")
                await connection.execute(UNBALANCED)
                await connection.close()
                for _ in range(2):
                    await watch.once()
            finally:
                await looker.close()
    assert len(told) == 1
    assert "INV-07" in told[0]
