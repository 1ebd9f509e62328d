"""Recognise a repeated request: the digest kept beside its idempotency key."""

import hashlib

import msgspec


def fingerprint_of(path: str, body: msgspec.Struct) -> str:
    """What makes two requests under one key the same request."""
    return hashlib.sha256(path.encode() + b"\n" + msgspec.json.encode(body)).hexdigest()[:32]
