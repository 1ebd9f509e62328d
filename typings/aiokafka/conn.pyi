from enum import IntEnum
from typing import Any

class CloseReason(IntEnum):
    CONNECTION_BROKEN = 0

class AIOKafkaConnection:
    def send(self, request: Any, expect_response: bool = True) -> Any: ...
    def close(self, reason: CloseReason | None = None, exc: BaseException | None = None) -> Any: ...
