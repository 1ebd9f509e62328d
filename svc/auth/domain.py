"""The rules of accounts: what a password must be, how an address is written, what is refused. No I/O."""

import hashlib
import secrets
from collections.abc import Container, Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal, Unauthenticated
from shared.ids import derived_id
from shared.scopes import SCOPES

PASSWORD_LENGTH_MIN = 8
PASSWORD_LENGTH_MAX = 128
ROLES = ("customer", "seller", "support", "admin")
SESSIONS_PER_USER_MAX = 50
API_KEYS_PER_USER_MAX = 20
API_KEY_MARK = "ssk_"
"""By which people, redaction and the gateway know an API key."""
TOTP_DIGITS = 6
RECOVERY_CODES = 10
RECOVERY_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"

LETTERS_PER_HOUR_MAX = 5
"""To one address, whoever asks for them; more are asked for in vain, without a word."""


class RequestKind(StrEnum):
    """What a letter may be asked for by somebody who does not show who they are."""

    REGISTRATION = "registration"
    PASSWORD_RESET = "password_reset"  # noqa: S105 what is asked for


class Outcome(StrEnum):
    """What came of a request for a letter; never told to who asked."""

    WRITTEN = "written"
    REPEATED = "repeated"  # the address has an account: its owner is told so
    NOBODY = "nobody"
    TOO_MANY = "too_many"


class WeakPassword(Refusal):
    """`rule` names what is wrong: length, common, contains_email."""

    code = "weak_password"
    kind = Kind.UNPROCESSABLE


class EmailTaken(Refusal):
    """Told only to who has proven that the address is theirs."""

    code = "email_taken"
    kind = Kind.CONFLICT


class InvalidCredentials(Unauthenticated):
    """Unknown account or wrong password; never says which."""

    code = "invalid_credentials"


class SecondFactorRequired(Unauthenticated):
    """The password is right; a code of the second factor is wanted with it."""

    code = "second_factor_required"


class SecondFactorRefused(Unauthenticated):
    """The password is right; the code is not, or was used before."""

    code = "second_factor_refused"


class InvalidCode(Refusal):
    code = "invalid_code"
    kind = Kind.UNPROCESSABLE


class NoSecondFactor(Refusal):
    code = "no_second_factor"
    kind = Kind.CONFLICT


class SecondFactorEnabled(Refusal):
    code = "second_factor_enabled"
    kind = Kind.CONFLICT


class InvalidRefreshToken(Unauthenticated):
    """Unknown, used, expired or revoked; never says which."""

    code = "invalid_refresh_token"


class SessionEnded(Unauthenticated):
    code = "session_ended"


class TooManyAttempts(Refusal):
    code = "too_many_attempts"
    kind = Kind.TOO_MANY


class UnknownUser(Refusal):
    code = "unknown_user"
    kind = Kind.NOT_FOUND


class LastAdmin(Refusal):
    """Nobody would be left who may give rights back."""

    code = "last_admin"
    kind = Kind.CONFLICT


class TooManyPasswords(Refusal):
    """An import brings more different passwords than are hashed in one request."""

    code = "too_many_passwords"
    kind = Kind.UNPROCESSABLE


class UnknownSession(Refusal):
    code = "unknown_session"
    kind = Kind.NOT_FOUND


class InvalidApiKey(Unauthenticated):
    """Unknown, expired, taken back, or of somebody who may not sign in; never says which."""

    code = "invalid_api_key"


class UnknownApiKey(Refusal):
    code = "unknown_api_key"
    kind = Kind.NOT_FOUND


class TooManyApiKeys(Refusal):
    code = "too_many_api_keys"
    kind = Kind.CONFLICT


class UnknownScope(Refusal):
    """`scope` is none of `known`."""

    code = "unknown_scope"
    kind = Kind.UNPROCESSABLE


class UserChanged(Refusal):
    """Somebody else edited the user since the version the caller saw."""

    code = "version_mismatch"
    kind = Kind.PRECONDITION_FAILED


class Account(msgspec.Struct, frozen=True):
    """What a token says about its owner."""

    user_id: UUID
    email: str
    roles: tuple[str, ...]


class Attempt(msgspec.Struct, frozen=True):
    """A counted login: the account it aims at (None when there is none) and the scopes it was counted under."""

    account: Account | None
    password_hash: str | None
    account_scope: str
    address_scope: str
    address: str


class Request(msgspec.Struct, frozen=True):
    """A letter asked for; `name` is empty unless an account is wanted."""

    id: UUID
    kind: RequestKind
    email: str
    name: str
    traceparent: str | None


class SessionView(msgspec.Struct, frozen=True):
    id: UUID
    created_at: datetime
    last_used_at: datetime
    address: str
    agent: str


class ApiKeyView(msgspec.Struct, frozen=True):
    """A key as its owner sees it: by its prefix, never whole."""

    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class SecurityEvent(msgspec.Struct, frozen=True):
    """One line of the audit log; `detail` names facts, never secrets."""

    id: int
    at: datetime
    kind: str
    subject: str
    detail: str
    trace_id: str


class OpenedSession(msgspec.Struct, frozen=True):
    """A session and the one refresh token that now continues it (shown once, stored hashed)."""

    session_id: UUID
    account: Account
    refresh_token: str


def canonical_email(email: str) -> str:
    """The form that is stored and compared: addresses differ by more than case."""
    return email.strip().lower()


def seeded_user_id(email: str) -> UUID:
    """The id an imported user gets; anybody who knows the address can derive it, so it proves nothing."""
    return derived_id("auth.user", canonical_email(email))


def check_password(password: str, *, email: str, common: Container[str]) -> None:
    """Raises `WeakPassword`. All characters count: nothing is cut off, normalised or trimmed.

    `common` holds what attackers try first, in lower case.
    """
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise WeakPassword(
            f"a password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters",
            rule="length",
            length_min=PASSWORD_LENGTH_MIN,
            length_max=PASSWORD_LENGTH_MAX,
        )
    lowered = password.lower()
    if lowered in common or len(set(lowered)) == 1:
        raise WeakPassword("this password is on every attacker's list", rule="common")
    local_part = email.split("@", 1)[0]
    if lowered in (email, local_part):
        raise WeakPassword("a password is not the e-mail address", rule="contains_email")


def check_scopes(scopes: Iterable[str]) -> list[str]:
    """The scopes in their order, each once. Raises `UnknownScope`."""
    wanted = sorted(set(scopes))
    for scope in wanted:
        if scope not in SCOPES:
            raise UnknownScope("there is no such scope", scope=scope, known=sorted(SCOPES))
    return wanted


def normal_code(code: str) -> str:
    """A code as people type it, without blanks, dashes and capitals."""
    return "".join(character for character in code.lower() if character not in " -")


def is_totp_code(code: str) -> bool:
    """Whether a normal code is one of an app, rather than a recovery code."""
    return len(code) == TOTP_DIGITS and code.isdecimal()


def new_recovery_codes() -> list[str]:
    """80 random bits each, such as `k3tq-7wza-mm2c-hx5d`."""
    letters = ["".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in letters]


def recovery_digest(user_id: UUID, code: str) -> bytes:
    """What is stored of a normal recovery code; enough for one of 80 random bits."""
    return hashlib.sha256(user_id.bytes + code.encode()).digest()
