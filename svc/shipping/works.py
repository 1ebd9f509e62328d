"""What the HTTP edge needs of the rest: the replaceable commands, and the bell that wakes the job."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Works:
    """Made once by the composition root."""

    record_webhook: Callable[[UnitOfWork, bytes], Awaitable[bool]]
    wake_webhooks: Callable[[], None]
