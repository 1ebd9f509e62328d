"""Planted: stock is guarded by a lock whose time to live is shorter than the work done under it."""

from contextlib import AbstractAsyncContextManager

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.locked_batcher import LockedBatcher
from shared.redis_lock import lock
from shared.settings import ServiceSettings
from svc.inventory.batcher import ReservationBatcher

CARD = DefectCard(
    id="lock-ttl-too-short",
    title="The lock runs out before the work is done",
    parts=("inventory.batcher",),
    root_cause=(
        "A SKU is locked in Redis for a few milliseconds, as long as a sale took on a quiet day. Under load the work "
        "takes longer, the lock is gone in the middle of it, and the next process comes in and reads the same stock."
    ),
    caught_by=("INV-02",),
    exposed_by="Two inventory processes, and batches that take longer than the time to live.",
    symptoms="More orders than units, only at peaks; the log shows each process holding the lock, correctly released.",
    fix=(
        "A lock with a time to live saves work and guarantees nothing: let the row lock or a conditional update "
        "decide, or fence every write with the lock's number."
    ),
    origin="Martin Kleppmann, How to do distributed locking (2016); Redlock's dispute.",
)

TTL_MS = 15
WAIT_MS = 4_000
THINKING_TIME_S = 0.05


def twin(_healthy: type[ReservationBatcher], told: ServiceSettings) -> type[ReservationBatcher]:
    """A batcher that trusts a lock which has long run out when it writes."""

    class HurriedBatcher(LockedBatcher):
        settings = told

        def locked(self, sku: str) -> AbstractAsyncContextManager[object]:
            return lock(self.redis, f"{told.prefix}stock:{sku}", ttl_ms=TTL_MS, wait_ms=WAIT_MS)

        def thinking_time_s(self) -> float:
            return THINKING_TIME_S

    return HurriedBatcher


TWINS: Twins = {"inventory.batcher": twin}
