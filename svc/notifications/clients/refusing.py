"""What a channel says when it does not take a message."""

from shared.errors import WorldError


class NotTakenError(WorldError):
    """The message was not taken; `permanent` when it never will be, `bounced` when nobody has that address."""

    code = "message_not_taken"

    def __init__(self, message: str, *, permanent: bool, bounced: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.bounced = bounced
