"""Cross-origin rules: origins are listed whole, none by default; credentials travel in headers, never in cookies."""

from shared.errors import Forbidden

PREFLIGHT_CACHED_S = 600


class OriginNotAllowed(Forbidden):
    code = "origin_not_allowed"


class Cors:
    """Answers for a fixed list of origins."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def preflight(self, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        """The headers of a preflight's answer. Raises `OriginNotAllowed`."""
        if origin is None or origin not in self._origins:
            raise OriginNotAllowed("this origin may not call the shop")
        return [
            *self.headers(origin),
            (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
            (
                b"access-control-allow-headers",
                b"authorization, content-type, idempotency-key, if-match, if-none-match, x-guest-token",
            ),
            (b"access-control-max-age", str(PREFLIGHT_CACHED_S).encode()),
        ]

    def headers(self, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        """The headers of any other answer; none for an origin that is not listed."""
        if not self._origins:
            return []
        if origin is None or origin not in self._origins:
            return [(b"vary", b"origin")]
        return [
            (b"access-control-allow-origin", origin),
            (b"vary", b"origin"),
            (b"access-control-expose-headers", b"x-trace-id, retry-after, ratelimit-limit, ratelimit-remaining, etag"),
        ]
