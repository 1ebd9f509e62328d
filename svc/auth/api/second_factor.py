"""Switching one's second factor on and off; what it changes at the login is in sign_in.py."""

from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from shared.database import Database
from shared.identity import Principal
from svc.auth import handlers
from svc.auth.api.caller import requires_user, user_id_of
from svc.auth.api.proof import admit_code, require_password
from svc.auth.api.sign_in import Code, Password
from svc.auth.passwords import Passwords
from svc.auth.second_factors import SecondFactors
from svc.auth.settings import Settings

_UNSTORED = {"Cache-Control": "no-store"}


class PasswordProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    password: Password


class CodeProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: Code


class FullProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    password: Password
    code: Code


class SecondFactorState(msgspec.Struct, frozen=True):
    enabled: bool
    recovery_codes_left: int


class TotpSecret(msgspec.Struct, frozen=True):
    """Shown once; `uri` is what an authenticator app scans."""

    secret: str
    uri: str


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Shown once; each works once in place of a code of the app."""

    recovery_codes: Annotated[list[str], msgspec.Meta(min_length=1)]


class SecondFactorController(Controller):
    path = "/api/v1/auth/totp"
    tags = ("account",)
    guards = (requires_user,)

    @get("/")
    async def state(
        self, principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> SecondFactorState:
        """Whether one's second factor is on."""
        async with database.begin() as uow:
            return SecondFactorState(*await handlers.second_factor_state(uow, user_id_of(principal)))

    @post("/")
    async def begin(
        self,
        data: JSONBody[PasswordProof],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        passwords: NamedDependency[Passwords],
        factors: NamedDependency[SecondFactors],
    ) -> Response[TotpSecret]:
        """A secret for one's app, without effect until confirmed; 409 second_factor_enabled."""
        user_id = user_id_of(principal)
        await require_password(database, passwords, user_id, data.password)
        async with database.begin() as uow:
            secret = TotpSecret(*await handlers.begin_second_factor(uow, factors, user_id))
        return Response(secret, headers=_UNSTORED)

    @post("/confirm", status_code=200)
    async def confirm(
        self,
        data: JSONBody[CodeProof],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        factors: NamedDependency[SecondFactors],
    ) -> Response[RecoveryCodes]:
        """Switch it on with a first code; the recovery codes are shown this once. 422 invalid_code."""
        user_id = user_id_of(principal)
        await admit_code(database, config, user_id)
        async with database.begin() as uow:
            codes = await handlers.confirm_second_factor(uow, factors, user_id, data.code)
        return Response(RecoveryCodes(codes), headers=_UNSTORED)

    @post("/recovery-codes", status_code=200)
    async def renew(
        self,
        data: JSONBody[FullProof],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        passwords: NamedDependency[Passwords],
        factors: NamedDependency[SecondFactors],
    ) -> Response[RecoveryCodes]:
        """New recovery codes in place of the old ones, shown this once."""
        user_id = user_id_of(principal)
        await require_password(database, passwords, user_id, data.password)
        await admit_code(database, config, user_id)
        async with database.begin() as uow:
            codes = await handlers.renew_recovery_codes(uow, factors, user_id, data.code)
        return Response(RecoveryCodes(codes), headers=_UNSTORED)

    @post("/disable", status_code=204)
    async def disable(
        self,
        data: JSONBody[FullProof],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        passwords: NamedDependency[Passwords],
        factors: NamedDependency[SecondFactors],
    ) -> None:
        """Switch it off; needs the password and a code."""
        user_id = user_id_of(principal)
        await require_password(database, passwords, user_id, data.password)
        await admit_code(database, config, user_id)
        async with database.begin() as uow:
            await handlers.disable_second_factor(uow, factors, user_id, data.code)
