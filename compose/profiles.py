"""The ways a stack can be realised. Only the local one starts processes here."""

from typing import Final

from compose.operator_error import OperatorError

PROFILES: Final = ("local", "compose", "external")


def require_local(profile: str) -> None:
    """Raise OperatorError unless this profile can be started by the supervisor."""
    if profile not in PROFILES:
        raise OperatorError(
            "profile.unknown",
            f"There is no profile {profile!r}.",
            mend=f"Choose one of: {', '.join(PROFILES)}.",
            exit_code=2,
        )
    if profile != "local":
        raise OperatorError(
            "profile.not_here",
            f"The profile {profile!r} is not part of this version.",
            mend="Use the local one, which needs no containers: shopctl up.",
        )
