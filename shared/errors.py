"""What a rule refuses (Refusal) and what the world breaks (WorldError), without any protocol in sight.

Refusals are facts with a stable code; the HTTP edge alone turns a Kind into a status (problem_details).
"""

import re
from enum import StrEnum
from typing import ClassVar

_CODE = re.compile(r"[a-z][a-z0-9_]{1,63}")


class Kind(StrEnum):
    """The family of a refusal; decides what a caller may do about it, not how it is transported."""

    INVALID = "invalid"
    UNPROCESSABLE = "unprocessable"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    PRECONDITION_FAILED = "precondition_failed"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a failure of the program
    """A business rule said no. Subclasses set `code` (stable, public) and `kind`.

    `detail` is a sentence a customer may read; `extra` holds JSON-encodable members of the answer.
    """

    code: ClassVar[str] = "refused"
    kind: ClassVar[Kind] = Kind.UNPROCESSABLE

    def __init__(self, detail: str = "", **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra: dict[str, object] = extra

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not _CODE.fullmatch(cls.code):
            raise TypeError(f"{cls.__qualname__}.code must be snake_case, got {cls.code!r}")

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code


class Unauthenticated(Refusal):
    """No identity, or one that cannot be trusted; the answer never says which part was wrong."""

    code = "unauthenticated"
    kind = Kind.UNAUTHENTICATED


class Forbidden(Refusal):
    """A known identity without the role this needs."""

    code = "forbidden"
    kind = Kind.FORBIDDEN


class InvalidValue(Refusal):
    """An engine cannot take a value of the request, which was of the right form: too large, too early, not a text."""

    code = "invalid_value"
    kind = Kind.INVALID


class WorldError(Exception):
    """Something outside the program failed; retrying later may help. Subclasses end in Error."""

    code: ClassVar[str] = "unavailable"


class DatabaseUnavailableError(WorldError):
    """No connection can be had, or the one in use is lost: proven, so it may be waited for without end."""

    code = "database_unavailable"


class DatabaseBusyError(WorldError):
    """The database is there and stopped the transaction: a lock, a deadlock, a time limit.

    Others may have been in the way, or it can never come through: whoever tries again must count.
    """

    code = "database_busy"


class BrokerUnavailableError(WorldError):
    """Kafka did not take or give messages in time."""

    code = "broker_unavailable"


class RedisUnavailableError(WorldError):
    """Redis did not answer in time; truth never lives there, so callers degrade instead of failing."""

    code = "redis_unavailable"


class RemoteUnavailableError(WorldError):
    """Another service or a provider could not be reached, or answered 5xx.

    `effect_possible` is False only when the request certainly never arrived.
    """

    code = "dependency_unavailable"

    def __init__(self, detail: str = "", *, effect_possible: bool = True) -> None:
        super().__init__(detail)
        self.effect_possible = effect_possible


class RemoteTimeoutError(WorldError):
    """A remote call ran out of time: whether it took effect is unknown and must be asked, never guessed."""

    code = "dependency_timeout"


class RemoteRefusal(Exception):  # noqa: N818 - the other side's Refusal, as seen from here
    """Another service answered 4xx. `code` is its problem-details code, `extra` its further members."""

    def __init__(self, status: int, code: str, detail: str, *, extra: dict[str, object] | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.extra: dict[str, object] = extra or {}
