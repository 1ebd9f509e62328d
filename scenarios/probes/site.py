"""Where attacks are played: a fleet, or the services of a test. What a probe may ask of it, and nothing more."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol


class Site(Protocol):
    """Addresses of services, the operator's doors, and the witnesses that attackers cannot touch."""

    def url(self, name: str) -> str:
        """Where a service listens for HTTP."""
        ...

    async def call(self, service: str, method: str, path: str, *, json: object = None) -> Any:
        """Ask a service as the operator; what it answered. For preparations, never for an attack."""
        ...

    def internal_token(self, service: str, *, age_s: float = 0.0) -> str:
        """The operator's token for a service, minted that long ago: what somebody inside could have stolen."""
        ...

    def signed(self, body: bytes, *, age_s: float = 0.0) -> str:
        """The signature that the payment provider would have sent with these bytes, that long ago."""
        ...

    async def rows(self, service: str, query: str, *arguments: object) -> Sequence[Mapping[str, Any]]:
        """Read a service's tables past the service."""
        ...

    async def written(self, text: str) -> bool:
        """Whether the text stands in any log of a service."""
        ...

    async def logged(self, service: str, trace_ids: Collection[str]) -> bool:
        """Whether the service has written down a request of one of these traces."""
        ...
