"""What an error of the operating system means to an operator: a full disk, a closed file, somebody who went away.

Everything else is a bug, and stays one.
"""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from compose.layout import default_home
from compose.operator_error import OperatorError

DISK_FULL: Final = "No space left on device"
"""How every engine and library says it, whatever the kind of its error."""
SQLSTATE_DISK_FULL: Final = "53100"
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def refusal_of(error: BaseException) -> OperatorError | None:
    """The operator's side of an error; None for what is no state of the machine."""
    if not isinstance(error, OSError):
        return disk_full(default_home()) if any(map(_says_disk_full, _chain(error))) else None
    place = Path(str(error.filename)) if error.filename else default_home()
    if error.errno in NO_ROOM:
        return disk_full(place)
    if isinstance(error, PermissionError):
        return not_yours(place)
    if isinstance(error, TimeoutError):
        return _away("in time")
    if isinstance(error, ConnectionError):
        return _away("any more")
    return None


def _says_disk_full(error: BaseException) -> bool:
    """An engine ran out of room and says so in its answer."""
    return DISK_FULL in str(error) or getattr(error, "sqlstate", None) == SQLSTATE_DISK_FULL


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def disk_full(path: Path) -> OperatorError:
    return OperatorError(
        "disk.full",
        f"No space is left on the disk of {path}.",
        mend="Free 1 GB there, or move the stack: SHOPSTREAM_HOME=/path/with/room shopctl up.",
    )


def not_yours(path: Path) -> OperatorError:
    return OperatorError(
        "home.not_yours",
        f"{path} belongs to somebody else.",
        mend="Be the user who started the stack, or have one of your own: SHOPSTREAM_HOME=/path/of/yours shopctl up.",
    )


def _away(how: str) -> OperatorError:
    return OperatorError(
        "fleet.away", f"A part of the fleet did not answer {how}.", mend="Look with: shopctl status, shopctl logs."
    )
