"""The replaceable parts of the gateway."""

from collections.abc import Callable
from dataclasses import dataclass

from multidict import CIMultiDict

from shared.service_parts import ServiceParts
from svc.gateway.api_keys import ApiKeys
from svc.gateway.edge import Edge
from svc.gateway.headers import RawHeaders, forwarded_headers
from svc.gateway.limits import RateLimits
from svc.gateway.upstreams import Upstreams
from svc.gateway.user_tokens import UserTokens


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    user_tokens: type[UserTokens] = UserTokens
    """Who a bearer token speaks for."""
    api_keys: type[ApiKeys] = ApiKeys
    """Who an API key speaks for, and what it may do."""
    limits: type[RateLimits] = RateLimits
    """How often a caller may come."""
    upstreams: type[Upstreams] = Upstreams
    """Which instance gets a request, and whether its service may be asked at all."""
    forwarded_headers: Callable[[RawHeaders, bytes | None], CIMultiDict[str]] = forwarded_headers
    """What of a client's headers a service gets to see."""
    edge: type[Edge] = Edge
    """Which requests are let in at all, from which address, and in whose name."""


HEALTHY = Parts()
