"""What the gateway is told at its start."""

from shared.settings import ServiceSettings
from svc.gateway.rate_limit import Limit

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """`services` are the packages whose declared routes are served, such as `svc.orders`.

    Limits read `requests/seconds` or `requests/seconds/burst`, per principal or, for callers without one, address. A
    request with an API key is counted per key as well.

    `allowed_hosts` and `cors_origins` are compared whole, never as patterns. `trusted_proxies` are the only peers whose
    X-Forwarded-For is believed. `in_flight_max` bounds what the gateway works on at once, `upstream_places` what it
    sends to one service at once; the rest waits its turn within its deadline, who only looks for `browse_wait_s` at
    most and for a quarter of the places. A longer queue would only hold requests whose clients have gone by the time
    they are served (measured: 3,000 at 170 a second on two cores never recover). `operator_peers` are the only ones
    from which the operator is heard.
    """

    service: str = "gateway"
    services: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = LOCAL_HOSTS
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    operator_peers: tuple[str, ...] = ("127.0.0.1", "::1")
    body_bytes_max: int = 1024 * 1024
    in_flight_max: int = 1024
    upstream_places: int = 192
    browse_wait_s: float = 0.5
    limit_auth: str = "60/60/30"
    limit_account: str = "600/60/120"
    limit_checkout: str = "600/60/120"
    limit_browse: str = "60000/60/3000"
    limit_recommendations: str = "60000/60/3000"
    limit_webhook: str = "120000/60/6000"
    limit_api_key: str = "600/60/60"
    limit_refused_tokens: str = "60/60/60"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.__struct_fields__:
            if name.startswith("limit_"):
                parse_limit(getattr(self, name))


def parse_limit(text: str) -> Limit:
    """`60/60/30`: sixty requests per sixty seconds, thirty of them at once. Raises ValueError."""
    parts = text.split("/")
    if len(parts) not in (2, 3):
        raise ValueError(f"a limit reads requests/seconds or requests/seconds/burst, not {text!r}")
    return Limit(int(parts[0]), float(parts[1]), int(parts[2]) if len(parts) == 3 else 0)
