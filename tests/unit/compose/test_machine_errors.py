"""Which errors of the operating system are an operator's matter, and which stay bugs."""

import errno
import os
import socket
from pathlib import Path

import asyncpg
import pytest

from compose.machine import refusal_of
from compose.operator_error import EXIT_INVALID, OperatorError


def raised(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), path) if path else OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (raised(errno.ENOSPC, "/x/report.html"), "disk.full"),
        (raised(errno.EDQUOT, "/x/report.html"), "disk.full"),
        (raised(errno.EFBIG, "/x/report.html"), "disk.full"),
        (raised(errno.EACCES, "/x/secrets.json"), "home.not_yours"),
        (raised(errno.EPERM, "/x/secrets.json"), "home.not_yours"),
        (raised(errno.ECONNREFUSED), "fleet.away"),
        (raised(errno.ECONNRESET), "fleet.away"),
        (raised(errno.ETIMEDOUT), "fleet.away"),
        (TimeoutError(), "fleet.away"),
    ],
    ids=["no space", "quota", "file limit", "no access", "no permission", "refused", "reset", "timed out", "deadline"],
)
def test_a_state_of_the_machine_is_a_refusal_with_a_mend(error: OSError, code: str) -> None:
    refusal = refusal_of(error)
    assert isinstance(refusal, OperatorError)
    assert (refusal.code, refusal.exit_code) == (code, EXIT_INVALID)
    assert refusal.what.endswith(".")
    assert refusal.mend.endswith(".") or "shopctl" in refusal.mend
    if error.filename:
        assert error.filename in refusal.what


@pytest.mark.parametrize(
    "error",
    [raised(errno.ENOENT, "/x"), raised(errno.EMFILE), raised(errno.EINVAL), KeyError("x"), ValueError("x"), OSError()],
    ids=["no such file", "too many files", "invalid", "key", "value", "nothing said"],
)
def test_everything_else_stays_a_bug(error: Exception) -> None:
    assert refusal_of(error) is None


def test_a_full_device_says_so_by_itself() -> None:
    with pytest.raises(OSError, match="No space left") as full:
        Path("/dev/full").write_text("x")
    refusal = refusal_of(full.value)
    assert refusal is not None
    assert refusal.code == "disk.full"


def test_an_engine_that_ran_out_of_room_says_so_in_its_answer() -> None:
    answer = asyncpg.DiskFullError('could not write block 0 in file "base/1": No space left on device')
    closed = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    closed.__cause__ = answer
    for error in (answer, closed):
        refusal = refusal_of(error)
        assert refusal is not None
        assert refusal.code == "disk.full"


def test_nobody_listening_is_somebody_away() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
        with socket.socket() as caller, pytest.raises(ConnectionError) as nobody:
            caller.connect(address)
    refusal = refusal_of(nobody.value)
    assert refusal is not None
    assert refusal.code == "fleet.away"
