"""The second factor: on from its first right code, asked for at every login, got around by recovery codes alone."""

from uuid import UUID

from shared.unit_of_work import UnitOfWork
from svc.auth.domain import (
    InvalidCode,
    NoSecondFactor,
    SecondFactorEnabled,
    TooManyAttempts,
    UnknownUser,
    is_totp_code,
    new_recovery_codes,
    normal_code,
    recovery_digest,
)
from svc.auth.handlers.credentials import credentials_changed
from svc.auth.second_factors import SecondFactors
from svc.auth.settings import Settings
from svc.auth.store import attempts, second_factors, users


async def begin_second_factor(uow: UnitOfWork, factors: SecondFactors, user_id: UUID) -> tuple[str, str]:
    """A new secret and its URI, shown once and without effect until confirmed.

    Raises `UnknownUser`, `SecondFactorEnabled`.
    """
    credentials = await users.credentials_of(uow.connection, user_id)
    if credentials is None:
        raise UnknownUser("there is no such user")
    secret, uri, sealed = factors.new(user_id, credentials.account.email)
    if not await second_factors.begin(uow.connection, user_id, sealed):
        raise SecondFactorEnabled("the second factor is on; switch it off first")
    return secret, uri


async def confirm_second_factor(uow: UnitOfWork, factors: SecondFactors, user_id: UUID, code: str) -> list[str]:
    """Switch it on; returns the recovery codes, which are shown this once.

    Raises `NoSecondFactor`, `SecondFactorEnabled`, `InvalidCode`.
    """
    enrolment = await second_factors.find(uow.connection, user_id)
    if enrolment is None:
        raise NoSecondFactor("begin with a secret")
    step = factors.step_of(enrolment.sealed_secret, user_id, normal_code(code))
    if step is None:
        raise InvalidCode("the code is not right")
    if not await second_factors.confirm(uow.connection, user_id):
        raise SecondFactorEnabled("the second factor is on already")
    await second_factors.accept_step(uow.connection, user_id, step)
    return await _new_codes(uow, user_id, "second_factor_enabled")


async def renew_recovery_codes(uow: UnitOfWork, factors: SecondFactors, user_id: UUID, code: str) -> list[str]:
    """A new set in place of the old one. Raises `NoSecondFactor`, `InvalidCode`."""
    await _require_code(uow, factors, user_id, code)
    return await _new_codes(uow, user_id, "recovery_codes_renewed")


async def disable_second_factor(uow: UnitOfWork, factors: SecondFactors, user_id: UUID, code: str) -> None:
    """The password alone signs in again. Raises `NoSecondFactor`, `InvalidCode`."""
    await _require_code(uow, factors, user_id, code)
    await second_factors.remove(uow.connection, user_id)
    await credentials_changed(uow, user_id, "second_factor_disabled")


async def second_factor_state(uow: UnitOfWork, user_id: UUID) -> tuple[bool, int]:
    """Whether it is on, and how many recovery codes are left."""
    if not await has_second_factor(uow, user_id):
        return False, 0
    return True, await second_factors.recovery_codes_left(uow.connection, user_id)


async def count_code(uow: UnitOfWork, settings: Settings, scope: str) -> TooManyAttempts | None:
    """Count a code before it is looked at, under a scope of `attempts.code_scope`; the refusal where it must wait."""
    if await attempts.count(
        uow.connection,
        scope,
        free=settings.throttle_account_free,
        wait_s_max=settings.throttle_code_wait_s_max,
        forget_s=settings.throttle_code_forget_s,
    ):
        return None
    wait_s = await attempts.wait_s(uow.connection, scope)
    return TooManyAttempts("wait before trying again", retry_after_s=round(wait_s, 3))


async def admit_code(uow: UnitOfWork, settings: Settings, user_id: UUID) -> None:
    """Count a code of somebody signed in, in a transaction of its own. Raises `TooManyAttempts`."""
    refusal = await count_code(uow, settings, attempts.code_scope(user_id))
    if refusal is not None:
        raise refusal


async def has_second_factor(uow: UnitOfWork, user_id: UUID) -> bool:
    """Whether a code is asked for at the login."""
    enrolment = await second_factors.find(uow.connection, user_id)
    return enrolment is not None and enrolment.confirmed


async def accept_code(uow: UnitOfWork, factors: SecondFactors, user_id: UUID, code: str) -> bool:
    """Use a code up, of the app or a recovery code; each works once, whoever else tries it at the same time.

    False without a second factor.
    """
    enrolment = await second_factors.find(uow.connection, user_id)
    if enrolment is None or not enrolment.confirmed:
        return False
    code = normal_code(code)
    if is_totp_code(code):
        step = factors.step_of(enrolment.sealed_secret, user_id, code)
        return step is not None and await second_factors.accept_step(uow.connection, user_id, step)
    if not await second_factors.take_recovery_code(uow.connection, user_id, recovery_digest(user_id, code)):
        return False
    left = await second_factors.recovery_codes_left(uow.connection, user_id)
    await credentials_changed(uow, user_id, "recovery_code_used", f"left={left}")
    return True


async def _require_code(uow: UnitOfWork, factors: SecondFactors, user_id: UUID, code: str) -> None:
    if not await has_second_factor(uow, user_id):
        raise NoSecondFactor("the second factor is off")
    if not await accept_code(uow, factors, user_id, code):
        raise InvalidCode("the code is not right, or was used before")
    await attempts.forgive(uow.connection, attempts.code_scope(user_id))


async def _new_codes(uow: UnitOfWork, user_id: UUID, change: str) -> list[str]:
    codes = new_recovery_codes()
    digests = [recovery_digest(user_id, normal_code(code)) for code in codes]
    await second_factors.replace_recovery_codes(uow.connection, user_id, digests)
    await attempts.forgive(uow.connection, attempts.code_scope(user_id))
    await credentials_changed(uow, user_id, change)
    return codes
