from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any

class Status(StrEnum):
    NEW = "new"
    QUEUED = "queued"
    ACTIVE = "active"
    ABORTING = "aborting"
    ABORTED = "aborted"
    FAILED = "failed"
    COMPLETE = "complete"

UNSUCCESSFUL_TERMINAL_STATUSES: set[Status]

class CronJob:
    def __init__(
        self,
        function: Callable[..., Awaitable[None]],
        cron: str,
        unique: bool = True,
        timeout: int | None = None,
        heartbeat: int | None = None,
        retries: int | None = None,
        ttl: int | None = None,
    ) -> None: ...

class Job:
    function: str
    key: str
    kwargs: dict[str, Any] | None
    timeout: int
    retries: int
    scheduled: int
    attempts: int
    completed: int
    queued: int
    started: int
    error: str | None
    status: Status
    meta: dict[Any, Any]
    def __init__(
        self,
        function: str,
        kwargs: dict[str, Any] | None = None,
        *,
        key: str = ...,
        timeout: int = 10,
        retries: int = 1,
        retry_delay: float = 0.0,
        retry_backoff: bool | float = False,
        meta: dict[Any, Any] = ...,
    ) -> None: ...
    @property
    def id(self) -> str: ...
    @property
    def stuck(self) -> bool: ...
    @property
    def retryable(self) -> bool: ...
