"""One event as the counters see it: its data, when it happened and when it was told."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec

from shared.contracts import Envelope, Event


class Told(msgspec.Struct, frozen=True):
    """An event that was read, and the moment this service received it."""

    envelope: Envelope[Any]
    received_at: datetime

    @property
    def data(self) -> Any:
        """The event itself."""
        return self.envelope.data

    @property
    def kind(self) -> type[Event]:
        """Which event it is."""
        data: Event = self.data
        return type(data)

    @property
    def at(self) -> datetime:
        """When it happened."""
        return self.envelope.occurred_at

    @property
    def day(self) -> date:
        """The UTC day on which it happened."""
        return self.at.astimezone(UTC).date()

    @property
    def version(self) -> int:
        """Which change of its aggregate it tells."""
        return self.envelope.aggregate_version
