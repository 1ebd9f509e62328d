import base64
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import new_id
from shared.pagination import (
    PAGE_SIZE,
    PAGE_SIZE_MAX,
    InvalidCursor,
    InvalidPageSize,
    decode_cursor,
    encode_cursor,
    make_page,
    page_size,
)

KEY = tuple[datetime, UUID]


def test_a_cursor_reads_back_as_the_values_it_was_made_of():
    values = (datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), new_id())
    assert decode_cursor(encode_cursor("orders", values), "orders", KEY) == values


@given(st.text(max_size=600))
def test_whatever_a_client_sends_is_read_or_refused(text):
    with pytest.raises(InvalidCursor):
        decode_cursor(text, "orders", KEY)


def _packed(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        _packed([2, "orders", [datetime.now(UTC), new_id()]]),
        _packed([1, "orders", ["' OR 1=1 --", "x"]]),
        _packed([1, "orders", [datetime.now(UTC)]]),
        _packed([1, "orders", [datetime.now(UTC), new_id(), 1]]),
        _packed([1, "orders"]),
        _packed({"a": 1}),
        encode_cursor("orders", (1, 2)),
        encode_cursor("payments", (datetime.now(UTC), new_id())),
    ],
    ids=range(8),
)
def test_a_cursor_of_another_shape_list_or_version_is_refused(cursor):
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, "orders", KEY)


@pytest.mark.parametrize(
    ("values", "values_type"),
    [
        (["0001-01-01T00:00:00+14:00", str(new_id())], KEY),
        (["9999-12-31T23:59:59-14:00", str(new_id())], KEY),
        (["2026-01-01T00:00:00", str(new_id())], KEY),
        ([float("inf"), "a"], tuple[float, str]),
        ([float("nan"), "a"], tuple[float, str]),
        ([2**63, "a"], tuple[int, str]),
        ([1, "a\0"], tuple[int, str]),
    ],
)
def test_a_cursor_of_the_right_shape_with_values_no_engine_takes_is_refused(values, values_type):
    with pytest.raises(InvalidCursor):
        decode_cursor(_packed([1, "orders", values]), "orders", values_type)


@pytest.mark.parametrize("limit", [0, -1, PAGE_SIZE_MAX + 1, 10**9])
def test_page_sizes_are_bounded(limit):
    with pytest.raises(InvalidPageSize):
        page_size(limit)


def test_page_sizes_default():
    assert page_size(None) == PAGE_SIZE
    assert page_size(PAGE_SIZE_MAX) == PAGE_SIZE_MAX


@given(st.lists(st.integers(), max_size=40, unique=True), st.integers(1, 10))
def test_following_the_cursors_shows_every_row_once_in_order(rows, limit):
    rows = sorted(rows)
    seen: list[int] = []
    after: int | None = None
    for _ in range(len(rows) + 1):
        found = [row for row in rows if after is None or row > after][: limit + 1]
        page = make_page(found, limit, order="n", key=lambda row: (str(row),))
        assert len(page.items) <= limit
        seen += page.items
        if page.next_cursor is None:
            break
        after = int(decode_cursor(page.next_cursor, "n", tuple[str])[0])
    assert seen == rows
