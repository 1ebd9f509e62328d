"""A letter becomes messages by what its reader wants: which channels, when, and always the same ids."""

from datetime import UTC, datetime, time
from uuid import UUID

import pytest

from shared.ids import derived_id
from svc.notifications.domain import (
    ABOUT,
    ANYBODY,
    TO_PEOPLE,
    Channel,
    InvalidPreferences,
    Letter,
    QuietHours,
    Reader,
    Refused,
    Status,
    Template,
    Topic,
    quiet_until,
    routed,
    zone_of,
)

pytestmark = pytest.mark.service("notifications")

ANN = UUID(int=7)
EVENT = UUID(int=8)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NIGHT = QuietHours(time(22), time(7))
WITH_ALL = Reader(phone="+353861234567", push_token="device-1")


def letter(template=Template.ORDER_PAID):
    return Letter(event_id=EVENT, template=template, recipient="ann@example.com", customer_id=ANN, context={})


def channels(reader, template=Template.ORDER_PAID):
    return [message.channel.value for message in routed(letter(template), reader, NOON)]


def test_who_has_not_said_anything_gets_a_mail_and_an_entry_in_the_feed():
    mail, entry = routed(letter(), ANYBODY, NOON)
    assert (mail.channel, mail.recipient, mail.status, mail.due_at) == ("email", "ann@example.com", "pending", None)
    assert (entry.channel, entry.recipient, entry.status) == ("in_app", str(ANN), "sent")


def test_who_gave_a_phone_and_a_device_gets_messages_on_both():
    assert channels(WITH_ALL) == ["email", "sms", "push", "in_app"]
    assert channels(Reader(phone="+353861234567")) == ["email", "sms", "in_app"]


@pytest.mark.parametrize("channel", TO_PEOPLE)
def test_a_topic_refused_over_a_channel_comes_over_the_others_only(channel):
    refusing = Reader(
        phone=WITH_ALL.phone, push_token=WITH_ALL.push_token, refused=frozenset({Refused(Topic.ORDERS, channel)})
    )
    assert channels(refusing) == [other.value for other in TO_PEOPLE if other is not channel]
    assert channels(refusing, Template.ORDER_SHIPPED) == [other.value for other in TO_PEOPLE]


def test_what_concerns_the_account_is_told_whatever_was_refused():
    deaf = Reader(
        refused=frozenset(Refused(topic, channel) for topic in Topic for channel in Channel),
        digest=True,
        quiet_hours=QuietHours(time(0), time(23, 59)),
    )
    mail, _ = routed(letter(Template.WELCOME), deaf, NOON)
    assert (mail.channel, mail.status, mail.due_at) == ("email", "pending", None)
    assert routed(letter(), deaf, NOON) == []


def test_every_template_says_what_it_is_about():
    assert set(ABOUT) == set(Template)


def test_the_id_is_made_of_event_template_recipient_and_channel():
    ids = [message.id for message in routed(letter(), WITH_ALL, NOON)]
    assert ids == [message.id for message in routed(letter(), WITH_ALL, datetime.now(UTC))]
    assert len({*ids, *(message.id for message in routed(letter(Template.ORDER_REFUNDED), WITH_ALL, NOON))}) == 8
    assert ids[0] == derived_id("delivery", EVENT, "order_paid", "ann@example.com")


@pytest.mark.parametrize(
    ("hours", "clock", "covered"),
    [
        (NIGHT, time(23), True), (NIGHT, time(3), True), (NIGHT, time(22), True), (NIGHT, time(7), False),
        (NIGHT, time(12), False), (QuietHours(time(13), time(15)), time(14), True),
        (QuietHours(time(13), time(15)), time(15), False), (QuietHours(time(9), time(9)), time(9), False),
    ],
)  # fmt: skip
def test_quiet_hours_begin_with_their_first_moment_and_end_before_their_last(hours, clock, covered):
    assert hours.cover(clock) is covered


@pytest.mark.parametrize(
    ("zone", "now", "end"),
    [
        ("UTC", "2026-01-01T23:00Z", "2026-01-02T07:00Z"),
        ("UTC", "2026-01-02T03:00Z", "2026-01-02T07:00Z"),
        ("Asia/Tokyo", "2026-01-01T14:00Z", "2026-01-01T22:00Z"),
        ("Europe/Berlin", "2026-03-28T23:00Z", "2026-03-29T05:00Z"),  # an hour is skipped that night
        ("Europe/Berlin", "2026-10-24T22:00Z", "2026-10-25T06:00Z"),  # and one comes twice in this
        ("America/New_York", "2026-01-01T12:00Z", None),
    ],
)
def test_quiet_hours_end_by_the_readers_own_clock(zone, now, end):
    reader = Reader(time_zone=zone, quiet_hours=NIGHT)
    expected = end and datetime.fromisoformat(end)
    assert quiet_until(reader, datetime.fromisoformat(now)) == expected


def test_at_night_the_phone_is_silent_until_morning_and_the_mail_is_not_held():
    reader = Reader(phone="+353861234567", push_token="d", quiet_hours=NIGHT)
    mail, sms, push, entry = routed(letter(), reader, datetime(2026, 1, 1, 23, tzinfo=UTC))
    assert (mail.status, entry.status) == (Status.PENDING, Status.SENT)
    morning = datetime(2026, 1, 2, 7, tzinfo=UTC)
    assert {(held.status, held.due_at) for held in (sms, push)} == {(Status.HELD, morning)}


@pytest.mark.parametrize(
    ("now", "due"),
    [("2026-01-01T06:59Z", "2026-01-01T07:00Z"), ("2026-01-01T07:00Z", "2026-01-02T07:00Z")],
)
def test_who_wants_a_digest_gets_the_days_mails_at_eight_by_their_own_clock(now, due):
    reader = Reader(time_zone="Europe/Berlin", digest=True)
    mail, entry = routed(letter(), reader, datetime.fromisoformat(now))
    assert (mail.status, mail.due_at) == (Status.GATHERED, datetime.fromisoformat(due))
    assert entry.status is Status.SENT


@pytest.mark.parametrize("name", ["Nope/Zone", "../../etc/passwd", "/etc/passwd", "", "Europe", "a\0b", "ü" * 300])
def test_a_time_zone_that_there_is_not_is_refused(name):
    with pytest.raises(InvalidPreferences):
        zone_of(name)
