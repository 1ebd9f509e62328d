"""Planted: which keys were used is known to Redis alone, for a while."""

import msgspec

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.forgetful_placement import under_a_new_name
from scenarios.defects.redis_client import redis_of
from shared.idempotency import Answer, RequestInFlight
from shared.settings import ServiceSettings
from svc.orders.placing import Placed, Placement, PlaceOrder

CARD = DefectCard(
    id="key-in-redis-only",
    title="Keys are kept in Redis and run out",
    parts=("orders.placement",),
    root_cause=(
        "The idempotency key and its answer are cached with a time to live and stored nowhere else; whoever repeats "
        "later than that, or after Redis was flushed, is a new customer."
    ),
    caught_by=("INV-10",),
    exposed_by="Clients that lost an answer and ask again some seconds later.",
    symptoms="Two orders with the same content, seconds or hours apart; more of them after a flush of the cache.",
    fix="Store the key in the transaction of its effect, with a retention longer than anybody repeats.",
    origin="Caches taken for storage; the IETF draft on Idempotency-Key asks for a published retention.",
)

TTL_MS = 2_000
UNANSWERED = b""


def twin(_healthy: type[Placement], told: ServiceSettings) -> type[Placement]:
    """Placement with a short memory."""

    class CachingPlacement(Placement):
        """What Redis has forgotten never happened."""

        async def place(self, command: PlaceOrder) -> Placed:
            name = f"{told.prefix}order-key:{command.customer_id}:{command.key}"
            async with redis_of(told) as redis:
                if not await redis.set(name, UNANSWERED, nx=True, px=TTL_MS):
                    stored = await redis.get(name)
                    if not stored:
                        raise RequestInFlight("the same request is being worked on; try again")
                    return Placed(msgspec.json.decode(stored, type=Answer), replayed=True)
                placed = await super().place(under_a_new_name(command))
                await redis.set(name, msgspec.json.encode(placed.answer), px=TTL_MS)
                return placed

    return CachingPlacement


TWINS: Twins = {"orders.placement": twin}
