"""Logging in: count the attempt, let the password be checked outside of any transaction, then judge."""

from uuid import UUID

from shared.errors import Refusal
from shared.unit_of_work import UnitOfWork
from svc.auth.domain import (
    Attempt,
    InvalidCredentials,
    OpenedSession,
    SecondFactorRefused,
    SecondFactorRequired,
    TooManyAttempts,
)
from svc.auth.handlers.second_factor import accept_code, count_code, has_second_factor
from svc.auth.second_factors import SecondFactors
from svc.auth.settings import Settings
from svc.auth.store import attempts, security_events, sessions, users


async def begin_login(uow: UnitOfWork, settings: Settings, *, email: str, address: str) -> Attempt:
    """Count an attempt before its password is looked at, so that simultaneous guesses are counted too.

    Does the same for known and unknown accounts. Raises `TooManyAttempts`.
    """
    connection = uow.connection
    known = await attempts.is_known(connection, email, address)
    by_account = attempts.account_scope(email, known_address=address if known else None)
    by_address = attempts.address_scope(address)
    credentials = await users.credentials(connection, email)
    wait_s = await attempts.wait_s(connection, by_account, by_address)
    if wait_s == 0 and not await attempts.count(
        connection,
        by_account,
        free=settings.throttle_account_free,
        wait_s_max=settings.throttle_wait_s_max,
        forget_s=settings.throttle_forget_s,
    ):
        wait_s = await attempts.wait_s(connection, by_account)
    if wait_s > 0:
        raise TooManyAttempts("wait before trying again", retry_after_s=round(wait_s, 3))
    return Attempt(
        account=credentials.account if credentials else None,
        password_hash=credentials.password_hash if credentials else None,
        account_scope=by_account,
        address_scope=by_address,
        address=address,
    )


async def finish_login(
    uow: UnitOfWork,
    settings: Settings,
    attempt: Attempt,
    factors: SecondFactors,
    *,
    matched: bool,
    code: str | None,
    agent: str,
) -> OpenedSession | Refusal:
    """Open a session under a new id; or record the failure and return, for the edge to raise after its commit,
    `InvalidCredentials`, `SecondFactorRequired`, `SecondFactorRefused` or `TooManyAttempts`.
    """
    connection = uow.connection
    account = attempt.account
    if not matched or account is None:
        await _count_failure(uow, settings, attempt, "login_failed")
        return InvalidCredentials("e-mail address or password is wrong")
    refusal = await _check_second_factor(uow, settings, attempt, factors, account.user_id, code)
    if refusal is not None:
        return refusal
    await attempts.forgive(connection, attempt.account_scope)
    await attempts.remember_address(connection, account.user_id, attempt.address)
    token = sessions.new_refresh_token()
    session_id = await sessions.open_session(
        connection, account, token, address=attempt.address, agent=agent, ttl_s=settings.refresh_ttl_s
    )
    await security_events.record(connection, "login", account.user_id, f"address={attempt.address}")
    return OpenedSession(session_id, account, token)


async def _check_second_factor(
    uow: UnitOfWork, settings: Settings, attempt: Attempt, factors: SecondFactors, user_id: UUID, code: str | None
) -> Refusal | None:
    """Wrong codes have waits of their own beside the account's: who guesses them knows the password."""
    if not await has_second_factor(uow, user_id):
        return None
    if not code:
        return SecondFactorRequired("send a code of the second factor along")
    scope = attempts.code_scope(attempt.account_scope)
    must_wait = await count_code(uow, settings, scope)
    if must_wait is not None:
        return must_wait
    if not await accept_code(uow, factors, user_id, code):
        await _count_failure(uow, settings, attempt, "second_factor_failed")
        return SecondFactorRefused("the code is not right, or was used before")
    await attempts.forgive(uow.connection, scope)
    return None


async def _count_failure(uow: UnitOfWork, settings: Settings, attempt: Attempt, kind: str) -> None:
    await attempts.count(
        uow.connection,
        attempt.address_scope,
        free=settings.throttle_address_free,
        wait_s_max=settings.throttle_wait_s_max,
        forget_s=settings.throttle_forget_s,
    )
    subject = attempt.account.user_id if attempt.account else attempt.account_scope
    await security_events.record(uow.connection, kind, subject, f"address={attempt.address}")
