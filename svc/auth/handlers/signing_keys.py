"""Following the signing key before its time."""

from shared.unit_of_work import UnitOfWork
from svc.auth.keys import KeyRing
from svc.auth.store import security_events


async def rotate_key(uow: UnitOfWork, ring: KeyRing, *, actor: str) -> str:
    """Follow the signing key now and record who asked for it; returns the new kid."""
    kid = await ring.rotate(uow.connection)
    await security_events.record(uow.connection, "key_rotated", actor, f"kid={kid}")
    return kid
