"""Which headers pass the gateway, in and out; identity, deadline, trace and forwarding headers are its own alone."""

from collections.abc import Iterable

from multidict import CIMultiDict

from shared.bounded_map import BoundedMap
from shared.errors import Kind, Refusal

HEADERS_MAX = 64
HEADER_BYTES_MAX = 16 * 1024
NAMES_REMEMBERED_MAX = 1_024

HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
        b"trailer", b"trailers", b"transfer-encoding", b"upgrade", b"http2-settings",
    }
)  # fmt: skip
_NEVER_FORWARDED = HOP_BY_HOP | {
    b"host", b"content-length", b"expect", b"authorization", b"cookie", b"forwarded", b"x-real-ip",
    b"x-client-address", b"x-internal-token", b"x-deadline-ms", b"traceparent", b"tracestate", b"baggage",
}  # fmt: skip
_NEVER_FORWARDED_PREFIXES = (b"x-forwarded", b"x-user", b"x-principal", b"x-shopstream", b"x-original", b"x-rewrite")
_NEVER_ANSWERED = HOP_BY_HOP | {b"server", b"date", b"x-trace-id", b"set-cookie", b"x-internal-token"}

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_SECURITY_NAMES = frozenset(name for name, _ in SECURITY_HEADERS)

_passes: BoundedMap[bytes, bool] = BoundedMap(NAMES_REMEMBERED_MAX)

RawHeaders = Iterable[tuple[bytes, bytes]]


class HeadersTooLarge(Refusal):
    code = "headers_too_large"
    kind = Kind.INVALID


def forwarded_headers(received: RawHeaders, connection: bytes | None) -> CIMultiDict[str]:
    """The client's headers without what it may not say, what `Connection` names, and what ends at this hop.

    Raises `HeadersTooLarge`.
    """
    named = {part.strip().lower() for part in connection.split(b",")} if connection else ()
    forwarded: CIMultiDict[str] = CIMultiDict()
    size = count = 0
    for name, value in received:
        count += 1
        size += len(name) + len(value)
        passes = _passes.get(name)
        if passes is None:
            passes = _may_pass(name)
            _passes.put(name, passes)
        if passes and name not in named:
            forwarded.add(name.decode("latin-1"), value.decode("latin-1"))
    if count > HEADERS_MAX or size > HEADER_BYTES_MAX:
        raise HeadersTooLarge(f"at most {HEADERS_MAX} headers of {HEADER_BYTES_MAX} bytes together")
    return forwarded


def answered_headers(received: RawHeaders) -> list[tuple[bytes, bytes]]:
    """A service's headers for the client: without hop-by-hop ones, with ours in place of its security headers."""
    answered: list[tuple[bytes, bytes]] = []
    cached = False
    for name, value in received:
        lowered = name.lower()
        if lowered in _NEVER_ANSWERED or lowered in _SECURITY_NAMES:
            continue
        cached = cached or lowered == b"cache-control"
        answered.append((lowered, value))
    if not cached:
        answered.append((b"cache-control", b"no-store"))
    answered += SECURITY_HEADERS
    return answered


def _may_pass(name: bytes) -> bool:
    # an underscore is read as a dash by some servers, so x_internal_token would be x-internal-token to them
    return name not in _NEVER_FORWARDED and b"_" not in name and not name.startswith(_NEVER_FORWARDED_PREFIXES)
