"""Rows out of a streamed CSV or JSONL body, one at a time and each bounded: no feed is ever held whole.

A row that cannot be read is a row with an error; only a body that is no feed at all is refused.
"""

import csv
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Any

import msgspec

from shared.errors import Kind, Refusal
from shared.field_words import refused_field
from svc.catalog.api.wire import ImportProduct, imported_wish
from svc.catalog.feeding import DETAIL_CHARACTERS_MAX, Row

ROW_BYTES_MAX = 64 * 1024
ROWS_MAX = 200_000
COLUMNS = (
    "slug", "title", "description", "category", "status", "tax_class", "seller_id", "sku", "price_minor", "currency",
    "options", "attributes",
)  # fmt: skip
NEEDED = ("slug", "title", "category", "sku", "price_minor")
_VARIANT = ("sku", "price_minor", "currency", "options")


class FeedFormat(StrEnum):
    """`csv`: one product with one variant per line, `options` and `attributes` as `name=value;name=value`."""

    CSV = "csv"
    JSONL = "jsonl"


class InvalidFeed(Refusal):
    """The body is no feed: no header, unknown columns, a row without end, or not UTF-8."""

    code = "invalid_feed"
    kind = Kind.INVALID


class FeedTooLong(Refusal):
    code = "feed_too_long"
    kind = Kind.TOO_LARGE


_decoder = msgspec.json.Decoder(ImportProduct)


async def rows_of(body: AsyncIterator[bytes], form: FeedFormat) -> AsyncIterator[Row]:
    """The rows in their order; empty lines count for nothing. Raises `InvalidFeed`, `FeedTooLong`."""
    read: Callable[[str], ImportProduct] | None = _decoder.decode if form is FeedFormat.JSONL else None
    number = 0
    slugs: set[str] = set()
    async for record in _records(body, quoted=form is FeedFormat.CSV):
        if read is None:
            read = _csv_reader(record)
            continue
        number += 1
        if number > ROWS_MAX:
            raise FeedTooLong(f"a feed has at most {ROWS_MAX} rows", rows_max=ROWS_MAX)
        row = _row(number, record, read)
        if row.wish is not None and row.wish.slug in slugs:
            row = Row(number, None, "slug_repeated", f"{row.wish.slug} came before; several variants need JSONL")
        elif row.wish is not None:
            slugs.add(row.wish.slug)
        yield row


def _row(number: int, record: str, read: Callable[[str], ImportProduct]) -> Row:
    try:
        return Row(number, imported_wish(read(record)))
    except Refusal as refusal:
        return Row(number, None, refusal.code, refusal.detail[:DETAIL_CHARACTERS_MAX])
    except msgspec.ValidationError as error:
        field, words = refused_field(error, ImportProduct)
        return Row(number, None, "invalid_row", f"{field} {words}"[:DETAIL_CHARACTERS_MAX])
    except msgspec.DecodeError:
        return Row(number, None, "unreadable_row", "the row is not valid JSON")
    except (ValueError, csv.Error) as error:
        return Row(number, None, "unreadable_row", str(error)[:DETAIL_CHARACTERS_MAX])


async def _records(body: AsyncIterator[bytes], *, quoted: bool) -> AsyncIterator[str]:
    """Lines, where a line break inside quotes ends none."""
    left, record = b"", b""
    async for chunk in body:
        *lines, left = (left + chunk).split(b"\n")
        for line in lines:
            record = record + line + b"\n" if record else line + b"\n"
            _check_length(record)
            if quoted and record.count(b'"') % 2:
                continue
            if record.strip():
                yield _text(record)
            record = b""
        _check_length(record + left)
    record += left
    if record.strip():
        yield _text(record)


def _check_length(record: bytes) -> None:
    if len(record) > ROW_BYTES_MAX:
        raise InvalidFeed(f"a row has at most {ROW_BYTES_MAX} bytes", row_bytes_max=ROW_BYTES_MAX)


def _text(record: bytes) -> str:
    try:
        return record.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidFeed("a feed is UTF-8") from error


def _csv_reader(header: str) -> Callable[[str], ImportProduct]:
    columns = _cells(header)
    unknown = [name for name in columns if name not in COLUMNS]
    missing = [name for name in NEEDED if name not in columns]
    if unknown or missing or len(set(columns)) != len(columns):
        raise InvalidFeed("the first line names the columns", unknown=unknown[:10], missing=missing, columns=COLUMNS)

    def read(record: str) -> ImportProduct:
        cells = _cells(record)
        if len(cells) != len(columns):
            raise ValueError(f"{len(cells)} cells under {len(columns)} columns")
        return _product({name: cell for name, cell in zip(columns, cells, strict=True) if cell})

    return read


def _cells(record: str) -> list[str]:
    return next(csv.reader([record], strict=True))


def _product(given: dict[str, Any]) -> ImportProduct:
    variant = {name: given.pop(name) for name in _VARIANT if name in given}
    if not variant.get("price_minor", "").isdecimal() or len(variant["price_minor"]) > 15:
        raise ValueError("price_minor is a whole number of minor units")
    variant["price_minor"] = int(variant["price_minor"])
    variant["options"] = _pairs(variant.get("options", ""))
    given["attributes"] = _pairs(given.get("attributes", ""))
    return msgspec.convert({**given, "variants": [variant]}, ImportProduct)


def _pairs(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(";") if part]
    if any(not equals for _, equals, _ in pairs):
        raise ValueError(f"{text} is not name=value;name=value")
    return {name.strip(): value.strip() for name, _, value in pairs}
