"""What every report shows alike: its period, its money, how fresh it is."""

from datetime import UTC, date, datetime, timedelta
from typing import TypedDict

import msgspec

from shared.errors import Kind, Refusal
from shared.money import Money, MoneyWire
from shared.validated import bounded_day
from svc.analytics.store.reports import Freshness

DAYS_MAX = 366
DAYS_DEFAULT = 30


class InvalidPeriod(Refusal):
    """A period ends before it begins, or is too long."""

    code = "invalid_period"
    kind = Kind.INVALID


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`as_of` is the newest event counted; `events_behind` wait to be, the first of them since `waiting_since`.

    An event counts for the UTC day on which it happened, however late it is told, so that a day of the past may change.
    """

    as_of: datetime | None
    events_behind: int
    waiting_since: datetime | None


class Fresh(TypedDict):
    """The members of every `Report`."""

    as_of: datetime | None
    events_behind: int
    waiting_since: datetime | None


def fresh(freshness: Freshness) -> Fresh:
    """How fresh the figures are, as every report says it."""
    return Fresh(as_of=freshness.as_of, events_behind=freshness.behind, waiting_since=freshness.waiting_since)


def period(since: date | None, until: date | None) -> tuple[date, date]:
    """First and last day, both included; the last DAYS_DEFAULT unless told. Raises `InvalidPeriod`, `OutOfRange`."""
    last = bounded_day(until, "until") or datetime.now(UTC).date()
    first = bounded_day(since, "since") or last - timedelta(days=DAYS_DEFAULT - 1)
    if not timedelta(0) <= last - first < timedelta(days=DAYS_MAX):
        raise InvalidPeriod(f"a period of 1 to {DAYS_MAX} days")
    return first, last


def money(amount_minor: int, currency: str) -> MoneyWire:
    """The amount as it is shown."""
    return Money(amount_minor, currency).to_wire()
