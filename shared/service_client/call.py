"""One logical call over its attempts: what is sent, and which failures another attempt may follow."""

from collections.abc import Mapping

from shared import caller
from shared.circuit_breaker import CircuitOpenError
from shared.errors import RemoteUnavailableError

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_RETRIED_STATUSES = frozenset({502, 503})


class Call:
    """One logical call over its attempts."""

    __slots__ = (
        "arrived",
        "body",
        "caller",
        "failed_instance",
        "failed_status",
        "headers",
        "method",
        "params",
        "path",
        "repeatable",
        "service",
        "token",
    )

    def __init__(
        self,
        *,
        service: str,
        method: str,
        path: str,
        body: bytes | None,
        params: Mapping[str, str] | None,
        token: str,
        headers: Mapping[str, str] | None,
        repeatable: bool,
    ) -> None:
        self.service = service
        self.method = method
        self.path = path
        self.body = body
        self.params = params
        self.token = token
        self.headers = headers
        self.repeatable = repeatable
        self.caller = caller.current() or path  # background work is told apart by what it asks for
        self.arrived = False
        """Whether a failed attempt may have had its effect: then no later one can deny it."""
        self.failed_instance: str | None = None
        self.failed_status = 0

    def may_repeat(self, error: BaseException) -> bool:
        """Tell whether this failure may be followed by another attempt."""
        if isinstance(error, CircuitOpenError) or not isinstance(error, RemoteUnavailableError):
            return False
        if not error.effect_possible:
            return True
        status, self.failed_status = self.failed_status, 0
        return self.repeatable and (status == 0 or status in _RETRIED_STATUSES)
