"""What an operator did or has to mend: two sentences and a stable code, never a traceback.

Raised anywhere in the stack; the command line prints `what` and `mend` on two lines.
"""

EXIT_USAGE = 2
EXIT_INVALID = 3
UNKNOWN = ".unknown"


class OperatorError(Exception):
    """A state of the machine that a person can mend.

    A name that does not exist (its code ends in `.unknown`) is a mistake in the command line wherever it is noticed.
    """

    def __init__(self, code: str, what: str, *, mend: str, exit_code: int | None = None) -> None:
        super().__init__(what)
        if exit_code is None:
            exit_code = EXIT_USAGE if code.endswith(UNKNOWN) else EXIT_INVALID
        self.code = code
        self.what = what
        self.mend = mend
        self.exit_code = exit_code

    def to_dict(self) -> dict[str, str | int]:
        """The error as it crosses the control socket."""
        return {"code": self.code, "what": self.what, "mend": self.mend, "exit_code": self.exit_code}


def from_dict(raw: dict[str, str | int]) -> OperatorError:
    """Rebuild the error that `to_dict` described."""
    return OperatorError(str(raw["code"]), str(raw["what"]), mend=str(raw["mend"]), exit_code=int(raw["exit_code"]))
