"""How often product pages are looked at: counted in Redis, added to the database by a job, bounded, and exact once.

Counting never holds up a page and never fails it: while Redis is away views are not counted. At most PRODUCTS_MAX
products are counted between two flushes; views of further ones are dropped.
"""

from uuid import UUID, uuid4

from redis.asyncio import Redis

from shared.database import Database
from shared.errors import RedisUnavailableError
from shared.redis_gate import gate_of
from svc.catalog.store import views

PRODUCTS_MAX = 20_000
BATCH = b"batch"
"""The field that names a batch under way."""

_COUNT = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 or redis.call('HLEN', KEYS[1]) < tonumber(ARGV[2]) then
    return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
end
return 0
"""
# what a flush that died left is taken first, under the name it had
_TAKE = """
if redis.call('EXISTS', KEYS[2]) == 0 then
    if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
    redis.call('RENAME', KEYS[1], KEYS[2])
    redis.call('HSET', KEYS[2], 'batch', ARGV[1])
end
return redis.call('HGETALL', KEYS[2])
"""
_FORGET = "if redis.call('HGET', KEYS[1], 'batch') == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Views:
    """Counts views; any number of instances may count and flush."""

    def __init__(self, redis: "Redis", database: Database, *, prefix: str) -> None:
        self._gate = gate_of(redis)
        self._database = database
        self._open, self._under_way = f"{prefix}catalog:views", f"{prefix}catalog:views:flushing"
        self._count = redis.register_script(_COUNT)
        self._take = redis.register_script(_TAKE)
        self._forget = redis.register_script(_FORGET)

    async def count(self, product_id: UUID) -> None:
        """One more; silently not while Redis is away."""
        try:
            await self._gate.ask(lambda: self._count(keys=[self._open], args=[str(product_id), PRODUCTS_MAX]))
        except RedisUnavailableError:
            return

    async def flush(self) -> int:
        """Add what was counted to the database; gives the number of products. Raises `RedisUnavailableError`.

        A batch has a name that is stored with its sums: one whose flush died after its commit adds nothing again.
        """
        flat = await self._gate.ask(lambda: self._take(keys=[self._open, self._under_way], args=[str(uuid4())]))
        counted: dict[bytes, bytes] = dict(zip(flat[::2], flat[1::2], strict=True))
        batch = counted.pop(BATCH, None)
        if batch is None:
            return 0
        async with self._database.begin() as uow:
            sums = {UUID(product.decode()): int(number) for product, number in counted.items()}
            await views.add(uow.connection, UUID(batch.decode()), sums)
        await self._gate.ask(lambda: self._forget(keys=[self._under_way], args=[batch]))
        return len(counted)
