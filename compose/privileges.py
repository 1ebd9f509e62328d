"""Running an engine as an unprivileged, already existing user when we are root.

PostgreSQL refuses root. No user is ever created.
"""

import hashlib
import os
import pwd
import subprocess
from pathlib import Path
from typing import Final, TypedDict

from compose.operator_error import OperatorError

NOBODY_FALLBACK: Final = 65_534
PROBE_SECONDS_MAX: Final = 10


class Drop(TypedDict, total=False):
    """The subprocess arguments that change who a child is."""

    user: int
    group: int
    extra_groups: list[int]


def unprivileged_uid() -> int:
    """The uid that stands in for root: who called sudo, else nobody."""
    sudo = os.environ.get("SUDO_UID", "")
    if sudo.isdigit() and int(sudo) != 0:
        return int(sudo)
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return NOBODY_FALLBACK


def unprivileged_gid(uid: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return NOBODY_FALLBACK


def refuse_nameless(program: str) -> None:
    """Raise OperatorError `user.nameless` when the user a child will run as has no name on this machine.

    Containers are often started under any number; initdb looks its user up and gives up.
    """
    uid = drop().get("user", os.geteuid())
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise OperatorError(
            "user.nameless",
            f"{program} refuses to run for user {uid}, who has no name in /etc/passwd.",
            mend=f"Name the user (as root: useradd --no-create-home --uid {uid} shopstream), or run as another.",
        ) from None


def drop() -> Drop:
    """The subprocess arguments that run a child unprivileged; empty when we are nobody special already."""
    if os.geteuid() != 0:
        return {}
    uid = unprivileged_uid()
    return {"user": uid, "group": unprivileged_gid(uid), "extra_groups": []}


def can_enter(path: Path, uid: int) -> bool:
    """Whether `uid` may pass through every existing directory on the way to `path`."""
    for directory in [path, *path.parents]:
        try:
            status = directory.stat()
        except FileNotFoundError:
            continue
        except PermissionError:
            return False
        if status.st_uid == uid:
            if not status.st_mode & 0o100:
                return False
        elif not status.st_mode & 0o001:
            return False
    return True


def can_run(argv: list[str]) -> bool:
    """Whether the unprivileged user can really execute this: the only honest test of a whole path."""
    try:
        done: subprocess.CompletedProcess[bytes] = subprocess.run(  # noqa: S603 -- our own argv
            argv, capture_output=True, timeout=PROBE_SECONDS_MAX, check=False, cwd="/", **drop()
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def give(path: Path) -> None:
    """Hand one directory to the unprivileged user, private to it."""
    if os.geteuid() == 0:
        uid = unprivileged_uid()
        os.chown(path, uid, unprivileged_gid(uid))
    path.chmod(0o700)


def path_digest(path: Path) -> str:
    """A short stable name for a path, for places that cannot hold the whole of it."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
