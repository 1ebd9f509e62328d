"""Every change of how an account is signed in to is written down and told to its owner, who may not have made it."""

from uuid import UUID

from shared.contracts.auth import CredentialsChanged
from shared.unit_of_work import UnitOfWork
from svc.auth.store import security_events, users


async def credentials_changed(uow: UnitOfWork, user_id: UUID, change: str, detail: str = "") -> None:
    """`change` is the security event's kind and what the letter says; nothing is told of an erased account."""
    await security_events.record(uow.connection, change, user_id, detail)
    told = await users.next_event(uow.connection, user_id)
    if told is None:
        return
    version, email, name = told
    event = CredentialsChanged(user_id=user_id, email=email, name=name, change=change)
    uow.publish(event, aggregate_id=user_id, aggregate_version=version)
