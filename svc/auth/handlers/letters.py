"""Letters to addresses that somebody names: asked for without a look at who is known, decided afterwards.

The request that a stranger makes reads no account: its answer, its statements and its time cannot depend on one. Who
gets which letter is found out by the work of jobs.py, and told to nobody but the address.
"""

from collections.abc import Callable
from uuid import UUID

from shared.contracts.auth import PasswordResetRequested, RegistrationRepeated, RegistrationRequested, UserDeleted
from shared.ids import new_id
from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from svc.auth.domain import LETTERS_PER_HOUR_MAX, Outcome, Request, RequestKind
from svc.auth.store import letter_requests, users

Wake = Callable[[], None]


async def request_registration(
    uow: UnitOfWork, wake: Wake, *, email: str, name: str, password_hash: str, ttl_s: float
) -> None:
    """Keep what an account shall be made of until its address is proven."""
    await _ask(uow, wake, RequestKind.REGISTRATION, email=email, name=name, password_hash=password_hash, ttl_s=ttl_s)


async def request_password_reset(uow: UnitOfWork, wake: Wake, *, email: str, ttl_s: float) -> None:
    """Keep that somebody wants a new password for whoever has this address."""
    await _ask(uow, wake, RequestKind.PASSWORD_RESET, email=email, ttl_s=ttl_s)


async def write_letter(uow: UnitOfWork, request: Request) -> Outcome:
    """Publish what the address is to be told, if anything: at most LETTERS_PER_HOUR_MAX an hour."""
    connection = uow.connection
    await letter_requests.lock_address(connection, request.email)
    owner = await users.owner_of(connection, request.email)
    if await letter_requests.letters_lately(connection, request.email) >= LETTERS_PER_HOUR_MAX:
        outcome = Outcome.TOO_MANY
    elif request.kind is RequestKind.REGISTRATION:
        outcome = _answer_registration(uow, request, owner)
    else:
        outcome = _answer_reset(uow, request, owner)
    await letter_requests.conclude(connection, request.id, outcome, user_id=owner.user_id if owner else None)
    return outcome


async def forget_lapsed(uow: UnitOfWork) -> int:
    """Forget requests that nobody used; who never proved an address is forgotten by everybody who wrote to it."""
    lapsed = await letter_requests.take_lapsed(uow.connection)
    for request in lapsed:
        if request.kind == RequestKind.REGISTRATION and request.outcome == Outcome.WRITTEN:
            uow.publish(UserDeleted(user_id=request.id), aggregate_id=request.id, aggregate_version=2)
    return len(lapsed)


def _answer_registration(uow: UnitOfWork, request: Request, owner: users.Owner | None) -> Outcome:
    if owner is None:
        event = RegistrationRequested(user_id=request.id, email=request.email, name=request.name)
        uow.publish(event, aggregate_id=request.id, aggregate_version=1)
        return Outcome.WRITTEN
    event = RegistrationRepeated(user_id=owner.user_id, email=request.email, name=owner.name)
    uow.publish(event, aggregate_id=request.id, aggregate_version=1)
    return Outcome.REPEATED


def _answer_reset(uow: UnitOfWork, request: Request, owner: users.Owner | None) -> Outcome:
    if owner is None or not owner.active:
        return Outcome.NOBODY
    event = PasswordResetRequested(user_id=owner.user_id, email=request.email, name=owner.name, request_id=request.id)
    uow.publish(event, aggregate_id=request.id, aggregate_version=1)
    return Outcome.WRITTEN


async def _ask(
    uow: UnitOfWork,
    wake: Wake,
    kind: RequestKind,
    *,
    email: str,
    ttl_s: float,
    name: str = "",
    password_hash: str | None = None,
) -> UUID:
    request = Request(new_id(), kind, email, name, current_traceparent())
    await letter_requests.insert(uow.connection, request, password_hash=password_hash, ttl_s=ttl_s)
    uow.after_commit(wake)
    return request.id
