"""Planted: the relay reads on from the highest position it has seen."""

from typing import Any

import asyncpg

from scenarios.defects.card import DefectCard, Twins
from shared.kafka_producer import Message
from shared.outbox import BATCH_ROWS_MAX, Relay
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="outbox-by-position",
    title='The outbox is read by "id greater than the last"',
    parts=("orders.relay",),
    root_cause="Positions are given at the insert and seen at the commit; a lower one may be seen after a higher one.",
    caught_by=("INV-13",),
    exposed_by="Transactions that write events at the same time.",
    symptoms="One event in some hundreds is never sent; the row is there, as good as all others.",
    fix="Read what is not sent, not what is beyond a mark.",
    origin="Polling publishers that keep a high-water mark over a sequence.",
)

_SENT_UP_TO = "SELECT coalesce(max(position), 0) FROM outbox WHERE sent_at IS NOT NULL"
_BEYOND = "SELECT position, topic, aggregate_id, payload FROM outbox WHERE position > $1 ORDER BY position LIMIT $2"


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A relay with a mark."""
    relay: type[Relay] = healthy

    class Marking(relay):
        """What commits below the mark is never looked at."""

        _mark = 0

        async def _relay_events(self, connection: asyncpg.Connection) -> int:
            if not self._mark:
                self._mark = await connection.fetchval(_SENT_UP_TO)
            rows = await connection.fetch(_BEYOND, self._mark, BATCH_ROWS_MAX)
            if not rows:
                return 0
            await self._producer.send(
                [Message(row["topic"], row["aggregate_id"], row["payload"].encode()) for row in rows]
            )
            positions = [row["position"] for row in rows]
            await connection.execute(
                "UPDATE outbox SET sent_at = clock_timestamp() WHERE position = ANY($1::bigint[])", positions
            )
            self._mark = positions[-1]
            return len(rows)

    return Marking


TWINS: Twins = {"orders.relay": twin}
