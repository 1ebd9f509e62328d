"""Editing what others edit too: the version one read travels as ETag, and comes back as If-Match."""

from typing import Annotated

from litestar.params import HeaderParameter

from shared.errors import Kind, Refusal

DIGITS_MAX = 15

IfMatch = Annotated[str | None, HeaderParameter(name="If-Match", required=False)]


class VersionMissing(Refusal):
    """An edit without If-Match could undo somebody else's."""

    code = "if_match_missing"
    kind = Kind.INVALID


class VersionChanged(Refusal):
    """Somebody else changed it since the editor read it."""

    code = "version_changed"
    kind = Kind.PRECONDITION_FAILED


def etag(version: int) -> str:
    """The tag of a version."""
    return f'"{version}"'


def expected_version(if_match: str | None) -> int:
    """The version an editor read. Raises `VersionMissing`."""
    text = (if_match or "").strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > DIGITS_MAX:
        raise VersionMissing("send the ETag you read as If-Match")
    return int(text)
