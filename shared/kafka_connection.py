"""aiokafka's connection to a broker, on uvloop.

uvloop answers a write to a connection that has just died with RuntimeError, where asyncio's own transports log and go
on. aiokafka takes only OSError for a broken connection (aio-libs/aiokafka#1038, open), so the error ended its tasks
for the group and for the metadata: the consumer then waited for them without end, and told nobody.
"""

from typing import Any, Final

from aiokafka import conn
from aiokafka.errors import KafkaConnectionError

CLOSED: Final = "the handler is closed"
"""How uvloop's UVHandle._ensure_alive says it."""


class Connection(conn.AIOKafkaConnection):
    """What was sent into a dead connection is a `KafkaConnectionError`, and the connection is closed."""

    def send(self, request: Any, expect_response: bool = True) -> Any:
        try:
            return super().send(request, expect_response)
        except RuntimeError as error:
            if CLOSED not in str(error):
                raise
            self.close(reason=conn.CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(str(error)) from error


def install() -> None:
    """From now on every client of aiokafka in this process connects so."""
    conn.AIOKafkaConnection = Connection
