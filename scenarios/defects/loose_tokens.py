"""What twins of verifiers read of a token before they believe it for a wrong reason."""

from base64 import urlsafe_b64decode
from typing import Any

import msgspec

from shared.identity import Principal

Part = dict[str, Any]
ROLES = frozenset({"customer", "seller", "support", "admin"})


class SignedPart(msgspec.Struct, frozen=True):
    """A token taken apart; `signed` is what its signature is over."""

    header: Part
    claims: Part
    signed: bytes
    signature: bytes


def signed_part(token: str, *, algorithm: str) -> SignedPart | None:
    """A token that says that it is of this algorithm, None for any other."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        header, claims = (msgspec.json.decode(_bytes(part), type=Part) for part in parts[:2])
        signature = _bytes(parts[2])
    except (ValueError, msgspec.MsgspecError):
        return None
    if header.get("alg") != algorithm:
        return None
    return SignedPart(header, claims, ".".join(parts[:2]).encode(), signature)


def claims_of(token: str) -> Part:
    """What an internal token claims, unverified; nothing of what is none."""
    part = signed_part(token, algorithm="HS256")
    return {} if part is None else part.claims


def said_by(part: SignedPart) -> tuple[Principal, float]:
    """Whom a token says it is of, and until when."""
    said = part.claims
    who = Principal(said["sub"], ROLES.intersection(said["roles"]), "customer", said["sid"], said.get("email"))
    return who, float(said["exp"])


def _bytes(encoded: str) -> bytes:
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
