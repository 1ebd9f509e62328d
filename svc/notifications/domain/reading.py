"""Who is told how: a reader's wishes, and the messages that a letter becomes by them."""

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from shared.errors import Kind, Refusal
from shared.ids import derived_id
from svc.notifications.domain.letters import ABOUT, Channel, Letter, Locale, Topic

DIGEST_AT = time(8)
"""When a digest is sent, by the reader's clock."""
DISTURBING = frozenset({Channel.SMS, Channel.PUSH})
"""Channels that wake people; mails and the feed wait to be looked at."""


class Status(StrEnum):
    """Of a delivery. Held ones wait for the end of quiet hours, gathered ones for their digest.

    `digested`: told in a digest. `suppressed`: not sent, because mails to the address came back.
    """

    PENDING = "pending"
    HELD = "held"
    GATHERED = "gathered"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    DIGESTED = "digested"
    SUPPRESSED = "suppressed"


class InvalidPreferences(Refusal):
    """A wish that cannot be met; the detail says which."""

    code = "invalid_preferences"
    kind = Kind.UNPROCESSABLE


class UnknownNotification(Refusal):
    """Not in the caller's feed."""

    code = "unknown_notification"
    kind = Kind.NOT_FOUND


class UnknownBounce(Refusal):
    code = "unknown_bounce"
    kind = Kind.NOT_FOUND


class QuietHours(msgspec.Struct, frozen=True):
    """From `begins` up to `ends` by the reader's clock, over midnight where `ends` is earlier."""

    begins: time
    ends: time

    def cover(self, clock: time) -> bool:
        """Whether this is a quiet moment."""
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends


class Refused(msgspec.Struct, frozen=True, order=True):
    """What a reader does not want to be told over one channel."""

    topic: Topic
    channel: Channel


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody wants to be told. No phone, no SMS; no push token, no push."""

    locale: Locale = "en"
    time_zone: str = "UTC"
    phone: str | None = None
    push_token: str | None = None
    quiet_hours: QuietHours | None = None
    digest: bool = False
    refused: frozenset[Refused] = frozenset()


ANYBODY = Reader()
"""Who has not said anything."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery to be stored: over which channel to whom, and not before `due_at` (None: at once)."""

    id: UUID
    channel: Channel
    recipient: str
    status: Status
    due_at: datetime | None = None


def routed(letter: Letter, reader: Reader, now: datetime) -> list[Message]:
    """The messages a letter becomes, one per channel; none where the reader refused its topic everywhere.

    A message's id is made of event, template, recipient and channel: whoever asks again gets the same ones.
    """
    about = ABOUT[letter.template]
    addresses = {
        Channel.EMAIL: letter.recipient,
        Channel.SMS: reader.phone,
        Channel.PUSH: reader.push_token,
        Channel.IN_APP: str(letter.customer_id),
    }
    return [
        _message(letter, channel, address, reader, now)
        for channel in about.channels
        if (address := addresses[channel]) is not None
        and not (about.refusable and Refused(about.topic, channel) in reader.refused)
    ]


def digested(letter: Letter) -> Message:
    """The mail of a digest: sent at once, whatever else its reader wished."""
    return Message(
        id=_delivery_id(letter, Channel.EMAIL, letter.recipient),
        channel=Channel.EMAIL,
        recipient=letter.recipient,
        status=Status.PENDING,
    )


def quiet_until(reader: Reader, now: datetime) -> datetime | None:
    """When the reader's quiet hours that cover `now` end; None outside of them."""
    quiet = reader.quiet_hours
    here = now.astimezone(zone_of(reader.time_zone))
    if quiet is None or not quiet.cover(here.timetz().replace(tzinfo=None)):
        return None
    return _next(quiet.ends, here)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises `InvalidPreferences`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidPreferences(f"there is no time zone {name!r}", field="time_zone") from error


def _message(letter: Letter, channel: Channel, address: str, reader: Reader, now: datetime) -> Message:
    status, due_at = Status.PENDING, None
    if channel is Channel.IN_APP:
        status = Status.SENT
    elif ABOUT[letter.template].refusable:
        if channel is Channel.EMAIL and reader.digest:
            status, due_at = Status.GATHERED, _next(DIGEST_AT, now.astimezone(zone_of(reader.time_zone)))
        elif channel in DISTURBING and (end := quiet_until(reader, now)) is not None:
            status, due_at = Status.HELD, end
    return Message(
        id=_delivery_id(letter, channel, address), channel=channel, recipient=address, status=status, due_at=due_at
    )


def _delivery_id(letter: Letter, channel: Channel, address: str) -> UUID:
    """Mails keep the ids that they had before there were other channels."""
    facts = (letter.event_id, letter.template.value, address)
    return derived_id("delivery", *facts) if channel is Channel.EMAIL else derived_id("delivery", *facts, channel.value)


def _next(clock: time, here: datetime) -> datetime:
    """The next moment after `here` at which the clock of that place shows this."""
    today = datetime.combine(here.date(), clock, here.tzinfo)
    later = today if today > here else datetime.combine(here.date() + timedelta(days=1), clock, here.tzinfo)
    return later.astimezone(UTC)
