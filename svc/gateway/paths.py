"""Which request targets and hosts are let in at all: plain, once-encoded paths without detours. Pure functions.

A path that two parsers could read differently is refused, not repaired: repairing is what traversal attacks live on.
"""

import re
from urllib.parse import unquote_to_bytes

from shared.errors import Kind, Refusal

PATH_BYTES_MAX = 2_048
QUERY_BYTES_MAX = 8_192

# RFC 3986 path characters, less ";" (path parameters, the ..;/ trick) and everything that needs encoding
_PLAIN = re.compile(rb"/(?:[A-Za-z0-9._~!$&'()*+,=:@-]+(?:/[A-Za-z0-9._~!$&'()*+,=:@-]+)*/?)?")
_ENCODED = re.compile(rb"/(?:[A-Za-z0-9._~!$&'()*+,=:@%-]+(?:/[A-Za-z0-9._~!$&'()*+,=:@%-]+)*/?)?")
_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_FORBIDDEN_DECODED = re.compile(rb"[\x00-\x1f\x7f/\\%;]")
_DOTS = re.compile(rb"/\.{1,2}(?:/|$)")
_QUERY = re.compile(rb"[\x21-\x7e]*")


class InvalidPath(Refusal):
    code = "invalid_path"
    kind = Kind.INVALID


class InvalidHost(Refusal):
    code = "invalid_host"
    kind = Kind.INVALID


def check(raw_path: bytes, query: bytes) -> None:
    """Raises `InvalidPath` for dot segments, empty segments, encoded separators, and anything encoded twice."""
    if len(raw_path) > PATH_BYTES_MAX or len(query) > QUERY_BYTES_MAX:
        raise InvalidPath("the address is too long")
    if _DOTS.search(raw_path) or not _QUERY.fullmatch(query):
        raise InvalidPath("the path is not plain")
    if b"%" not in raw_path:
        if not _PLAIN.fullmatch(raw_path):
            raise InvalidPath("the path is not plain")
        return
    _check_encoded(raw_path)


def _check_encoded(raw_path: bytes) -> None:
    if not _ENCODED.fullmatch(raw_path) or _ESCAPE.search(raw_path):
        raise InvalidPath("the path is not plain")
    for segment in raw_path.split(b"/"):
        decoded = unquote_to_bytes(segment)
        if decoded in (b".", b"..") or _FORBIDDEN_DECODED.search(decoded):
            raise InvalidPath("the path is not plain")
        try:
            decoded.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidPath("the path is not UTF-8") from error


def host_without_port(host: bytes) -> str:
    """`example.com:8000` → `example.com`, `[::1]:8000` → `[::1]`."""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0]
