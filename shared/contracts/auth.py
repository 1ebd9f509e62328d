"""What the auth service publishes. Aggregate: the user."""

from typing import ClassVar
from uuid import UUID

from shared.contracts.envelope import Event, Topic

TOPIC = Topic(name="auth.events", partitions=2)


class UserRegistered(Event, frozen=True, kw_only=True):
    """Somebody may log in now."""

    type: ClassVar[str] = "user.registered"
    topic: ClassVar[Topic] = TOPIC
    user_id: UUID
    email: str
    name: str


class UserDeleted(Event, frozen=True, kw_only=True):
    """The account is erased; consumers forget the person."""

    type: ClassVar[str] = "user.deleted"
    topic: ClassVar[Topic] = TOPIC
    user_id: UUID
