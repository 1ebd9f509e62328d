r"""Values as they may come in from outside, each kind written once for the whole fleet.

A pattern ends with `END`, never with `$`, which lets a final newline through. Body fields use the types as they are;
a query or path parameter is `Annotated[str, in_query(Sku)]`, because the framework reads no other metadata there.
"""

from datetime import date, datetime
from typing import Annotated, Any, get_args

import msgspec
from litestar.params import PathParameter, QueryParameter

from shared.errors import Kind, Refusal
from shared.money import AMOUNT_MINOR_MAX

END = r"(?![\s\S])"
"""Nothing follows, in Python as in ECMAScript."""

SKU_CHARACTERS_MAX = 64
SLUG_CHARACTERS_MAX = 120
CATEGORY_CHARACTERS_MAX = 200
NAME_CHARACTERS_MAX = 100
EMAIL_CHARACTERS_MAX = 254
TOKEN_CHARACTERS_MAX = 100
PRICE_MINOR_MAX = 10**11
"""Of one unit: 50 lines of 100 units and their tax stay within AMOUNT_MINOR_MAX."""

YEAR_MIN = 1900
YEAR_MAX = 9998
"""Engines and time zones have room around every moment between."""

_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
# white space, controls, and characters that are drawn as nothing
_INVISIBLE = _CONTROL + (
    r"\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
)


def whole(pattern: str) -> str:
    """The pattern for the entire text."""
    return f"^(?:{pattern}){END}"


VISIBLE_LINE = whole(rf"[^{_CONTROL}]*[^{_INVISIBLE}][^{_CONTROL}]*")
"""One line with something to see in it."""

STORABLE = whole(r"[^\x00]*")
"""PostgreSQL stores every character but the zero."""

SKU_PATTERN = whole(r"[A-Za-z0-9._-]+")
SLUG_PATTERN = whole(r"[a-z0-9]+(-[a-z0-9]+)*")
CATEGORY_PATTERN = whole(r"[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*){0,5}")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL_PATTERN = whole(rf"(?![\s\S]{{65,}}@)(?!.*=\?){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
"""RFC 5321's dot-string at a host name. An encoded word (`=?…?=`, RFC 2047) is refused: mail programs decode it."""


def line(characters_max: int) -> msgspec.Meta:
    """One line of text with something to see in it."""
    return msgspec.Meta(min_length=1, max_length=characters_max, pattern=VISIBLE_LINE)


def matching(pattern: str, characters_max: int) -> msgspec.Meta:
    """A text that is the pattern from end to end."""
    return msgspec.Meta(min_length=1, max_length=characters_max, pattern=whole(pattern))


Email = Annotated[str, msgspec.Meta(min_length=3, max_length=EMAIL_CHARACTERS_MAX, pattern=EMAIL_PATTERN)]
"""What SMTP can carry without an extension."""

Name = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=NAME_CHARACTERS_MAX,
        pattern=whole(rf"[^{_CONTROL}<>]*[^{_INVISIBLE}<>][^{_CONTROL}<>]*"),
    ),
]
"""A person's: one visible line, without what would be markup where somebody forgets to escape."""

Sku = Annotated[str, msgspec.Meta(min_length=1, max_length=SKU_CHARACTERS_MAX, pattern=SKU_PATTERN)]
Slug = Annotated[str, msgspec.Meta(min_length=1, max_length=SLUG_CHARACTERS_MAX, pattern=SLUG_PATTERN)]
CategoryPath = Annotated[str, msgspec.Meta(min_length=1, max_length=CATEGORY_CHARACTERS_MAX, pattern=CATEGORY_PATTERN)]
Country = Annotated[str, msgspec.Meta(min_length=2, max_length=2, pattern=whole(r"[A-Z]{2}"))]
"""ISO 3166-1 alpha-2 in form; whether it is served, shipping knows."""

Token = Annotated[str, matching(r"[A-Za-z0-9_-]+", TOKEN_CHARACTERS_MAX)]
"""An identifier that a partner gave out."""

PriceMinor = Annotated[int, msgspec.Meta(ge=0, le=PRICE_MINOR_MAX)]
AmountMinor = Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MINOR_MAX)]


class OutOfRange(Refusal):
    """A value of the right form that is too far out; `field` names it."""

    code = "out_of_range"
    kind = Kind.INVALID


def in_query(kind: Any, **given: Any) -> QueryParameter:
    """The type's rules for a query parameter; `given` (such as `required=False`) as the framework knows it."""
    return QueryParameter(**_rules(kind), **given)


def in_path(kind: Any) -> PathParameter:
    """The type's rules for a part of the path."""
    return PathParameter(**_rules(kind))


def bounded_day(day: date | None, field: str) -> date | None:
    """The day as given. Raises `OutOfRange`; types cannot bound dates."""
    if day is not None and not YEAR_MIN <= day.year <= YEAR_MAX:
        raise OutOfRange(f"{field} lies between the years {YEAR_MIN} and {YEAR_MAX}", field=field)
    return day


def bounded_moment(moment: datetime | None, field: str) -> datetime | None:
    """The moment as given; every time zone can say it. Raises `OutOfRange`."""
    if moment is not None and (moment.tzinfo is None or not YEAR_MIN <= moment.year <= YEAR_MAX):
        raise OutOfRange(f"{field} lies between the years {YEAR_MIN} and {YEAR_MAX}, with a time zone", field=field)
    return moment


def moment_in_query() -> QueryParameter:
    """A moment as text, for `moment_of`: the framework itself takes 0.5 for one, as seconds since 1970."""
    return QueryParameter(required=False, schema_extra={"format": "date-time"})


def moment_of(text: str | None, field: str) -> datetime | None:
    """The moment of a query parameter (RFC 3339). Raises `OutOfRange`."""
    if text is None:
        return None
    try:
        return bounded_moment(msgspec.convert(text, datetime), field)
    except msgspec.ValidationError as error:
        raise OutOfRange(f"{field} is a moment such as 2026-11-27T08:00:00Z", field=field) from error


def _rules(kind: Any) -> dict[str, Any]:
    """The rules of one annotated type."""
    (meta,) = (item for item in get_args(kind)[1:] if isinstance(item, msgspec.Meta))
    names = ("ge", "le", "gt", "lt", "min_length", "max_length", "pattern")
    return {name: value for name in names if (value := getattr(meta, name)) is not None}
