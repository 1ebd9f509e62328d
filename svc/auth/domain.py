"""The rules of accounts: what a password must be, how an address is written, what is refused. No I/O."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal, Unauthenticated
from shared.ids import derived_id

PASSWORD_LENGTH_MIN = 8
PASSWORD_LENGTH_MAX = 128
ROLES = ("customer", "seller", "support", "admin")
SESSIONS_PER_USER_MAX = 50

# the heads of every published list of leaked passwords, at or above our minimum length
COMMON_PASSWORDS = frozenset(
    (  # noqa: SIM905 a hundred quoted lines would say no more
        "00000000 11111111 12341234 12344321 123123123 12345678 123456789 1234567890 12345678910 123qwe123 "
        "123456a@ 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qazxsw2 22222222 66666666 77777777 87654321 88888888 987654321 "
        "99999999 aa123456 abc12345 abc123456 abcd1234 abcdefgh admin123 administrator airplane alexander asdasdasd "
        "asdf1234 asdfasdf asdfghjk asdfghjkl babygirl barcelona baseball basketball butterfly changeme charlie1 "
        "chocolate computer corvette creative danielle dearbook diamond1 dragon123 einstein elephant football "
        "football1 franklin freedom1 garfield gfhjkm12 golfball google123 hello123 helloworld iloveyou iloveyou1 "
        "internet jennifer jordan23 justin123 keyboard letmein1 letmein123 liverpool login123 manchester marlboro "
        "master123 maverick mercedes metallica michael1 michelle midnight minecraft monkey123 mustang1 mypassword "
        "nicholas passw0rd password password! password1 password12 password123 password1234 p@ssw0rd p@ssword "
        "pakistan patricia pokemon1 princess princess1 q1w2e3r4 q1w2e3r4t5 qazwsxedc qqww1122 qwer1234 qwerasdf "
        "qwerty12 qwerty123 qwerty1234 qwertyui qwertyuiop samantha secret123 shopstream starwars steelers summer2024 "
        "summer2025 summer2026 sunshine sunshine1 superman superman1 swordfish test1234 testtest trustno1 veronica "
        "victoria welcome1 welcome123 whatever winter2025 winter2026 zaq12wsx zxcvbnm1 zxcvbnm123"
    ).split()
)


class WeakPassword(Refusal):
    """`rule` names what is wrong: length, common, contains_email."""

    code = "weak_password"
    kind = Kind.UNPROCESSABLE


class EmailTaken(Refusal):
    code = "email_taken"
    kind = Kind.CONFLICT


class InvalidCredentials(Unauthenticated):
    """Unknown account or wrong password; never says which."""

    code = "invalid_credentials"


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


class SessionView(msgspec.Struct, frozen=True):
    id: UUID
    created_at: datetime
    last_used_at: datetime
    address: str
    agent: str


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


def check_password(password: str, *, email: str) -> None:
    """Raises `WeakPassword`. All characters count: nothing is cut off, normalised or trimmed."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise WeakPassword(
            f"a password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters",
            rule="length",
            length_min=PASSWORD_LENGTH_MIN,
            length_max=PASSWORD_LENGTH_MAX,
        )
    lowered = password.lower()
    if lowered in COMMON_PASSWORDS or len(set(lowered)) == 1:
        raise WeakPassword("this password is on every attacker's list", rule="common")
    local_part = email.split("@", 1)[0]
    if lowered in (email, local_part):
        raise WeakPassword("a password is not the e-mail address", rule="contains_email")
