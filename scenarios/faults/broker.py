"""What can happen to Kafka as a whole: gone for every service, or a group that has to share out its partitions anew.

A broker that dies is `kill kafka`, one that freezes `pause kafka`.
"""

import asyncio
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from scenarios.faults.fault import FaultValue, until
from scenarios.faults.network import EVERYBODY, Down
from scenarios.fleet import Fleet, FleetAwayError
from shared.contracts import REGISTRY

JOIN_S_MAX: Final = 20.0
SESSION_MS: Final = 6_000

_members: dict[str, AIOKafkaConsumer] = {}
"""The foreign members this process holds, by group; a process that ends is expelled after SESSION_MS."""


class BrokerAway(FaultValue, frozen=True, tag="broker-away"):
    """No service reaches Kafka, while the witness at the tap still does."""

    target: str = "kafka"

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        return await self._link.bite(fleet)

    async def heal(self, fleet: Fleet) -> None:
        await self._link.heal(fleet)

    @property
    def _link(self) -> Down:
        return Down(target=f"{EVERYBODY}:{self.target}")


class Rebalance(FaultValue, frozen=True, tag="rebalance"):
    """A foreign member joins a service's group and takes partitions without reading them; it leaves when healed."""

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        contract = await fleet.call(self.target, "GET", "/internal/contract")
        topics = sorted({REGISTRY[kind].topic.name for kind in contract["consumes"]})
        member = _members[self.target] = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=fleet.stack.urls["kafka_bootstrap"],
            group_id=self.target,
            client_id="fault-rebalance",
            enable_auto_commit=False,
            session_timeout_ms=SESSION_MS,
            rebalance_timeout_ms=SESSION_MS,
        )
        try:
            async with asyncio.timeout(JOIN_S_MAX):
                await member.start()
        except (KafkaError, OSError, TimeoutError) as error:
            raise FleetAwayError("kafka", fleet.stack.urls["kafka_bootstrap"]) from error

        async def has_partitions() -> bool:
            return bool(member.assignment())

        taken = await until(has_partitions, deadline_s=JOIN_S_MAX)
        return taken, f"{len(member.assignment())} partitions of {self.target} moved"

    async def heal(self, fleet: Fleet) -> None:
        del fleet
        if self.target in _members:
            await _members.pop(self.target).stop()
