"""What may come in from outside, kind by kind: what passes, and what looks nearly so and does not."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from shared.currencies import Currency
from shared.validated import (
    CategoryPath,
    Country,
    Email,
    Name,
    OutOfRange,
    PriceMinor,
    Sku,
    Slug,
    Token,
    bounded_day,
    bounded_moment,
    moment_of,
)

GOOD: list[tuple[Any, Any]] = [
    (Email, "ann@example.com"),
    (Email, "o'neil+shop@mail.example.co.uk"),
    (Email, "a@b"),
    (Email, "x" * 64 + "@example.com"),
    (Name, "Ann O'Neil"),
    (Name, "李小龙"),
    (Name, "José 🛒"),
    (Sku, "TEE-42.L_x"),
    (Slug, "a-quiet-chair-2"),
    (CategoryPath, "home/chairs-and-stools"),
    (Country, "IE"),
    (Currency, "EUR"),
    (Currency, "KWD"),
    (Token, "ch_12-A"),
    (PriceMinor, 0),
]
BAD: list[tuple[Any, Any]] = [
    (Email, "a@x..com"),
    (Email, "a..b@example.com"),
    (Email, ".a@example.com"),
    (Email, "a.@example.com"),
    (Email, "a@-x.com"),
    (Email, "a@x-.com"),
    (Email, "a@" + "x" * 64 + ".com"),
    (Email, "x" * 65 + "@example.com"),
    (Email, "=?utf-8?q?ann?=@example.com"),
    (Email, "a@b@example.com"),
    (Email, "a b@example.com"),
    (Email, "ä@example.com"),
    (Email, "a@exämple.com"),
    (Email, "a@example.com,b@example.com"),
    (Email, "a@example.com\r\nBcc: b@example.com"),
    (Name, ""),
    (Name, " "),
    (Name, "\u00a0"),
    (Name, "\u200b\u2800 \u3164"),
    (Name, "a\nb"),
    (Name, "a\u2028b"),
    (Name, "<b>"),
    (Sku, "a b"),
    (Slug, "-a"),
    (Slug, "A"),
    (CategoryPath, "a//b"),
    (CategoryPath, "a/b/c/d/e/f/g"),
    (Country, "ie"),
    (Country, "IRL"),
    (Currency, "ZZZ"),
    (Currency, "eur"),
    (Currency, "XAU"),
    (Token, "a/b"),
    (PriceMinor, -1),
    (PriceMinor, 10**11 + 1),
]


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_what_is_right_passes(kind, value):
    assert msgspec.convert(value, kind, strict=True) == value


@pytest.mark.parametrize(("kind", "value"), BAD)
def test_what_is_nearly_right_does_not(kind, value):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, kind, strict=True)


@pytest.mark.parametrize(("kind", "value"), [pair for pair in GOOD if isinstance(pair[1], str)])
def test_a_final_newline_does_not_slip_through(kind, value):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value + "\n", kind, strict=True)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12))),
        datetime(2026, 1, 1),  # noqa: DTZ001 the case in question
    ],
)
def test_a_moment_that_some_time_zone_cannot_say_is_refused(moment):
    with pytest.raises(OutOfRange) as refused:
        bounded_moment(moment, "valid_from")
    assert refused.value.extra == {"field": "valid_from"}


def test_a_moment_and_a_day_of_our_times_are_given_back():
    moment, day = datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1)
    assert (bounded_moment(moment, "x"), bounded_day(day, "x"), bounded_day(None, "x")) == (moment, day, None)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_a_day_at_the_end_of_the_calendar_is_refused(day):
    with pytest.raises(OutOfRange):
        bounded_day(day, "since")


def test_a_moment_in_a_query_is_text_and_no_number() -> None:
    assert moment_of("2026-11-27T08:00:00Z", "at") == datetime(2026, 11, 27, 8, tzinfo=UTC)
    assert moment_of(None, "at") is None
    for text in ("0.5", "1764230400", "2026-11-27", "0001-01-01T00:00:00Z"):
        with pytest.raises(OutOfRange):
            moment_of(text, "at")
