"""What the analytics service publishes. Aggregate: the schedule of a report."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from shared.contracts.envelope import Event, Topic

TOPIC = Topic(name="analytics.events", partitions=2)


class ReportReady(Event, frozen=True, kw_only=True):
    """A report that its owner has mailed to them; `rows` are its first ones, and `more` are left out."""

    type: ClassVar[str] = "report.ready"
    topic: ClassVar[Topic] = TOPIC
    schedule_id: UUID
    owner_id: UUID
    email: str
    title: str
    since: date
    until: date
    columns: list[str]
    rows: list[list[str]]
    more: bool
