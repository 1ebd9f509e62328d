"""Keyset pages: a bounded page size and an opaque cursor that is validated before it reaches a query.

A cursor holds the sort values of the last row, nothing secret and nothing that decides access.
"""

import base64
import binascii
import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar, cast

import msgspec
from litestar.params import QueryParameter

from shared.errors import Kind, Refusal
from shared.validated import OutOfRange, bounded_moment

PAGE_SIZE = 20
PAGE_SIZE_MAX = 100
CURSOR_LENGTH_MAX = 512
INTEGER_MAX = 2**63 - 1
_VERSION = 1

T = TypeVar("T")
V = TypeVar("V")


def within(maximum: int) -> QueryParameter:
    """The parameter of a page's size, its bounds in the contract; `page_size` is what keeps them."""
    return QueryParameter(required=False, schema_extra={"minimum": 1, "maximum": maximum})


PageLimit = Annotated[int | None, within(PAGE_SIZE_MAX)]


class InvalidCursor(Refusal):
    """The cursor was not made by us for this list and order."""

    code = "invalid_cursor"
    kind = Kind.INVALID


class InvalidPageSize(Refusal):
    """The page size is not between 1 and PAGE_SIZE_MAX."""

    code = "invalid_page_size"
    kind = Kind.INVALID


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page; `next_cursor` is None on the last."""

    items: list[T]
    next_cursor: str | None = None


def page_size(limit: int | None, *, default: int = PAGE_SIZE, maximum: int = PAGE_SIZE_MAX) -> int:
    """Return the rows to show; raises InvalidPageSize. Queries read one more to know whether there is a next."""
    if limit is None:
        return default
    if not 1 <= limit <= maximum:
        raise InvalidPageSize(f"limit must be between 1 and {maximum}", limit_max=maximum)
    return limit


def encode_cursor(order: str, values: Sequence[object]) -> str:
    """Return the cursor after a row with these sort values; `order` names the list and its sort order."""
    payload = msgspec.msgpack.encode([_VERSION, order, list(values)])
    return base64.urlsafe_b64encode(payload).rstrip(b"=").decode()


def decode_cursor(cursor: str, order: str, values_type: type[V]) -> V:
    """Read a cursor as the given tuple type, such as `tuple[datetime, UUID]`; raises InvalidCursor.

    Every value is one that an engine can compare: finite, within 64 bits, of our times, storable.
    """
    if len(cursor) > CURSOR_LENGTH_MAX:
        raise InvalidCursor("the cursor is not valid")
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        raw: Any = msgspec.msgpack.decode(base64.b64decode(padded, altchars=b"-_", validate=True))
        version, made_for, values = raw
        if version != _VERSION or made_for != order:
            raise InvalidCursor("the cursor belongs to another list")
        typed = msgspec.convert(values, values_type, strict=True)
        for value in cast("tuple[object, ...]", typed):
            _check_comparable(value)
    except (binascii.Error, msgspec.MsgspecError, ValueError, TypeError, OutOfRange) as error:
        raise InvalidCursor("the cursor is not valid") from error
    return typed


def make_page(rows: Sequence[T], limit: int, *, order: str, key: Callable[[T], Sequence[object]]) -> Page[T]:
    """Cut `limit` + 1 fetched rows to a page; `key` gives a row's sort values."""
    shown = list(rows[:limit])
    more = len(rows) > limit
    return Page(items=shown, next_cursor=encode_cursor(order, key(shown[-1])) if more and shown else None)


def _check_comparable(value: object) -> None:
    """Raises `OutOfRange`; the types alone let through what no engine takes."""
    match value:
        case datetime():
            bounded_moment(value, "cursor")
        case float() if not math.isfinite(value):
            raise OutOfRange("not a number to compare with")
        case int() if not -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
            raise OutOfRange("more than 64 bits")
        case str() if "\0" in value:
            raise OutOfRange("not storable")
        case _:
            pass
