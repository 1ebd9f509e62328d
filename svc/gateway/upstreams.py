"""Where a request may go: the living instances of a service, the less loaded of two, and how many may go at once.

Instances come from the registry (asked at most four times a second, forgotten 1.5 s after their last beat); one whose
connection died is avoided at once.
"""

import asyncio
import random
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from shared.circuit_breaker import CircuitBreaker
from shared.errors import Kind, Refusal
from shared.retry import RetryBudget
from shared.service_client import ServiceClient
from shared.service_registry import Instance, Registry
from svc.gateway.settings import Settings

BROWSE_SHARE = 0.25
"""Of a service's places, what those who only look may fill: who buys asks the same services on the way."""


class UpstreamUnavailable(Refusal):
    """The service cannot be reached right now; nothing is known of an effect only where `detail` says so."""

    code = "upstream_unavailable"
    kind = Kind.UNAVAILABLE


class Overloaded(Refusal):
    """There is too much to do for a request of this class; nothing was done."""

    code = "overloaded"
    kind = Kind.UNAVAILABLE


class Turnstile:
    """So many requests of one class at a service at once; who waits longer than a moment is turned away."""

    def __init__(self, places: int, *, wait_s: float) -> None:
        self._places = asyncio.Semaphore(places)
        self._wait_s = wait_s

    async def __aenter__(self) -> None:
        """Raises `Overloaded`."""
        try:
            async with asyncio.timeout(self._wait_s):
                await self._places.acquire()
        except TimeoutError:
            raise Overloaded("too many requests at once; try again", retry_after_s=1) from None

    async def __aexit__(self, *_: object) -> None:
        self._places.release()


class Upstream:
    """What this gateway knows about one service."""

    __slots__ = ("_registry", "breaker", "budget", "name", "outstanding", "places", "turnstile")

    def __init__(
        self, name: str, registry: Registry, *, breaker: CircuitBreaker, places: int, browse_wait_s: float
    ) -> None:
        self.name = name
        self.breaker = breaker
        self.budget = RetryBudget()
        self.places = asyncio.Semaphore(places)
        self.turnstile = Turnstile(max(1, int(BROWSE_SHARE * places)), wait_s=browse_wait_s)
        self.outstanding: dict[str, int] = {}
        self._registry = registry

    async def choose(self, *, avoid: str | None = None) -> Instance:
        """The less loaded of two random instances, another one than `avoid` if there is any.

        Raises `UpstreamUnavailable` when none lives.
        """
        instances: Sequence[Instance] = await self._registry.reachable(self.name)
        if avoid is not None and len(instances) > 1:
            instances = [one for one in instances if one.name != avoid]
        if len(instances) > 1:
            instances = random.sample(instances, 2)  # in random order, so that a tie is nobody's favour
        if not instances:
            raise UpstreamUnavailable(f"{self.name} is not there right now", retry_after_s=1, service=self.name)
        if len(instances) == 1:
            return instances[0]
        first, second = instances
        return first if self._load(first) <= self._load(second) else second

    def suspect(self, instance: Instance) -> None:
        """A connection to the instance died; avoid it for a second, until the registry knows better."""
        self._registry.suspect(self.name, instance.name)

    @contextmanager
    def occupied(self, instance: Instance) -> Generator[None]:
        """Count a request as outstanding at an instance while the block runs."""
        outstanding = self.outstanding
        outstanding[instance.name] = outstanding.get(instance.name, 0) + 1
        try:
            yield
        finally:
            left = outstanding[instance.name] - 1
            if left:
                outstanding[instance.name] = left
            else:
                del outstanding[instance.name]

    def _load(self, instance: Instance) -> int:
        # the beat's figure is up to half a second old and contains our own requests: ours decide first
        return self.outstanding.get(instance.name, 0) * 2 + instance.load


class Upstreams:
    """All services of the routing table, made on first use."""

    def __init__(self, registry: Registry, client: ServiceClient, settings: Settings) -> None:
        self._registry = registry
        self._client = client
        self._settings = settings
        self._known: dict[str, Upstream] = {}

    def of(self, service: str) -> Upstream:
        """Shares the breaker with every other caller of the service."""
        upstream = self._known.get(service)
        if upstream is None:
            upstream = self._known[service] = self.kind_of(service)(
                service,
                self._registry,
                breaker=self._client.breaker(service),
                places=self._settings.upstream_places,
                browse_wait_s=self._settings.browse_wait_s,
            )
        return upstream

    def kind_of(self, service: str) -> type[Upstream]:  # noqa: ARG002 all services are asked alike
        """How the instances of a service are chosen."""
        return Upstream
