"""A new password for who forgot the old one, by a letter to the account's address."""

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from shared import one_time_tokens
from shared.database import Database
from shared.validated import Email
from svc.auth import handlers
from svc.auth.api.accounts import SessionsEnded
from svc.auth.api.sign_in import ONCE, PUBLIC, LetterPromised, OneTime, Password
from svc.auth.common_passwords import COMMON_PASSWORDS
from svc.auth.domain import canonical_email, check_password
from svc.auth.passwords import Passwords
from svc.auth.settings import Settings


class ResetRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Email


class Reset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: OneTime
    new_password: Password


class PasswordResetController(Controller):
    path = "/api/v1/auth/password-reset"
    tags = ("auth",)

    @post("/", opt=PUBLIC, status_code=202)
    async def request(
        self,
        data: JSONBody[ResetRequest],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        wake: NamedDependency[SkipValidation[handlers.Wake]],
    ) -> LetterPromised:
        """Ask for the letter; the answer says nothing of who has an account."""
        email = canonical_email(data.email)
        ttl_s = config.password_reset_ttl_s
        async with database.begin() as uow:
            await handlers.request_password_reset(uow, wake, email=email, ttl_s=ttl_s)
        return LetterPromised(email, ttl_s)

    @post("/confirm", opt=ONCE, status_code=200)
    async def confirm(
        self,
        data: JSONBody[Reset],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        passwords: NamedDependency[Passwords],
    ) -> SessionsEnded:
        """Set the new password by the token of the letter and end all sessions.

        410 token_gone when it was used or has expired; 422 weak_password names the rule and uses nothing up.
        """
        request_id = one_time_tokens.read(config.internal_secret, one_time_tokens.PASSWORD_RESET, data.token)
        async with database.begin() as uow:
            email = await handlers.resettable(uow, request_id)
        check_password(data.new_password, email=email, common=COMMON_PASSWORDS)
        password_hash = await passwords.hash(data.new_password)
        async with database.begin() as uow:
            return SessionsEnded(await handlers.reset_password(uow, request_id, password_hash=password_hash))
