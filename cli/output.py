"""Standard output that says when it takes nothing: a full disk, a closed stream. An operator's matter, never a bug."""

import io
import os
import sys

from compose.operator_error import OperatorError


class OutputRefusedError(OperatorError):
    """What was to be printed could not be."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            "output.refused",
            f"The output cannot be written: {error.strerror or error}.",
            mend="Send it to a file or terminal that is open and has room.",
        )


class ReaderGoneError(Exception):
    """Who read our output, head(1) for example, has seen enough; no BrokenPipeError, of which libraries make exit 1."""


class Output(io.TextIOWrapper):
    """Like `sys.stdout`, but raises OutputRefusedError or ReaderGoneError; what comes after is dropped."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise self._refused(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> Exception:
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        return ReaderGoneError() if isinstance(error, BrokenPipeError) else OutputRefusedError(error)


def install() -> None:
    """Take standard output over, and give a closed standard stream its place back.

    Else a file of ours would take its number. What is written to a closed output fails as on any other.
    """
    for number, name, flags in ((1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            taken = os.open(os.devnull, flags)
            if taken != number:
                os.dup2(taken, number)
                os.close(taken)
            setattr(sys, name, os.fdopen(number, "w"))
    encoding, errors, lines = sys.stdout.encoding, sys.stdout.errors, sys.stdout.isatty()
    sys.stdout = Output(os.fdopen(1, "wb", closefd=False), encoding=encoding, errors=errors, line_buffering=lines)
