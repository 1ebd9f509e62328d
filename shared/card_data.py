"""Refuses request bodies that hold what looks like a card number: the shop never sees one, and never logs one."""

import re
from contextlib import suppress
from typing import Any

import msgspec
from litestar import Request

from shared.errors import Kind, Refusal
from shared.redaction import is_card_number

_RUN = re.compile(r"(?<![\w.-])\d(?:[ \-]?\d){12,18}(?![\w-])")
_DIGITS = re.compile(r"\d{13,19}")
_KEPT_METHOD = re.compile(r"tok_pm_[0-9a-f]{32}")
"""A name that we gave: one in ten thousand has the digits of a card by chance."""
_SEPARATORS = re.compile(r"[ \-]")


class CardDataRefused(Refusal):
    """Pay with a token; the body is dropped unread."""

    code = "card_data_refused"
    kind = Kind.UNPROCESSABLE


def holds_card_number(body: bytes) -> bool:
    """Whether any run of 13 to 19 digits, spaced or not, written plainly or as JSON escapes, passes for a card."""
    text = body.decode(errors="replace")
    if "\\" in text:
        with suppress(msgspec.DecodeError, UnicodeDecodeError):  # no JSON: the plain text is judged as it is
            text = msgspec.json.encode(msgspec.json.decode(body)).decode()
    return any(is_card_number(_SEPARATORS.sub("", run.group())) for run in _RUN.finditer(text))


def refuse_card_token(token: str) -> None:
    """A token is somebody's word for a card, never the card's number within it. Raises `CardDataRefused`."""
    if not _KEPT_METHOD.fullmatch(token) and any(is_card_number(run) for run in _DIGITS.findall(token)):
        raise CardDataRefused("send the payment provider's token, never a card number")


async def refuse_card_data(request: Request[Any, Any, Any]) -> None:
    """Litestar before_request hook of every controller whose requests change something. Raises `CardDataRefused`."""
    if request.method in {"POST", "PUT", "PATCH"} and holds_card_number(await request.body()):
        raise CardDataRefused("send a payment token, never a card number")
