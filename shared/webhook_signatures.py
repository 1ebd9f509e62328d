"""Whether a webhook is from whom it says: HMAC over the raw body, and not older than a few minutes. Pure.

The header reads `t=<epoch seconds>,v1=<hex>`; several v1 members and several secrets let a secret be rotated.
"""

import hashlib
import hmac
from collections.abc import Sequence

from shared.errors import Kind, Refusal

HEADER = "X-Signature"
TOLERANCE_S = 300
MEMBERS_MAX = 8
HEADER_CHARACTERS_MAX = 1_024


class InvalidSignature(Refusal):
    """Not signed by a secret of ours, or too long ago; nothing was stored."""

    code = "invalid_signature"
    kind = Kind.UNAUTHENTICATED


def sign(secret: str, body: bytes, *, at: int, beside: Sequence[str] = ()) -> str:
    """The header a sender with this secret would send; one signature more for each secret `beside` it."""
    members = (f"v1={_digest(one, body, str(at))}" for one in (secret, *beside))
    return ",".join((f"t={at}", *members))


def verify(header: str | None, body: bytes, *, secrets: Sequence[str], now_s: float) -> None:
    """Return when one of the secrets signed these very bytes within the tolerance; raises `InvalidSignature`."""
    if not header or len(header) > HEADER_CHARACTERS_MAX:
        raise InvalidSignature("the webhook is not signed")
    members = [member.strip().partition("=") for member in header.split(",")[:MEMBERS_MAX]]
    times = [value for name, _, value in members if name == "t"]
    signatures = [value for name, _, value in members if name == "v1"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdigit() or not signatures:
        raise InvalidSignature("the webhook's signature cannot be read")
    # every pair is compared, so that the time taken says nothing about which one fits
    fits = [
        hmac.compare_digest(_digest(secret, body, times[0]).encode(), signature.encode())
        for secret in secrets
        for signature in signatures
    ]
    if not any(fits):
        raise InvalidSignature("the webhook was signed by nobody we know")
    if abs(now_s - int(times[0])) > TOLERANCE_S:
        raise InvalidSignature("the webhook was signed too long ago")


def _digest(secret: str, body: bytes, at: str) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
