"""What the notifications service publishes. Aggregate: the delivery."""

from typing import ClassVar
from uuid import UUID

from shared.contracts.envelope import Event, Topic

TOPIC = Topic(name="notifications.events", partitions=2)


class DeliveryFact(Event, frozen=True, kw_only=True):
    """One message to one recipient over one channel: email, sms, push, or webhook to a seller's program.

    What is put into the shop's own feed is not told. The template of a webhook is the type of the event it tells.
    """

    topic: ClassVar[Topic] = TOPIC
    delivery_id: UUID
    template: str
    channel: str
    order_id: UUID | None = None


class NotificationSent(DeliveryFact, frozen=True, kw_only=True):
    """The channel accepted the message."""

    type: ClassVar[str] = "notification.sent"


class NotificationFailed(DeliveryFact, frozen=True, kw_only=True):
    """The channel refused it for good."""

    type: ClassVar[str] = "notification.failed"
    reason: str
