"""Bring a stack up or down from any other process: the command line, drills and tests do it through here.

Blocking. The supervisor itself runs detached and outlives the caller.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from compose import operator_error, ports, secrets_file, state
from compose.control import SUPERVISOR_AWAY, Control
from compose.engines.postgres import FOREIGN_DATA, data_root
from compose.environment import AUDIT_ROLE
from compose.layout import Layout, default_cache, default_home, make_directories
from compose.machine import DISK_FULL, disk_full
from compose.operator_error import EXIT_USAGE, OperatorError
from compose.process import rotate, tail
from compose.supervisor import leftovers

LISTEN_SECONDS_MAX: Final = 15.0
BOOT_SECONDS_MAX: Final = 600.0  # a first start downloads
STOP_SECONDS_MAX: Final = 60.0
STANDARD_ERROR = 2
PAUSE_SECONDS: Final = 0.02
ROOM_BYTES_MIN: Final = 1_000_000
GIVE_BACK: Final = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}
OWN_ENTRIES: Final = (
    "engines",
    "forks",
    "logs",
    "spans",
    "world",
    "runs",
    "drills",
    "compose.env",
    "overlay.json",
    "controls.json",
    "controls.lock",
    "controls.partial",
    "faults",
    "secrets.json",
    "stack.json",
    "lock",
    "exclusive",
)

PORTS = "port."
"""How the codes of refused ports begin."""

Json = dict[str, Any]
OnEvent = Callable[[Json], None]


def ignore(event: Json) -> None:
    del event


def up(
    home: Path | None = None,
    *,
    profile: state.ProfileName | None = None,
    port_base: int | None = None,
    names: Iterable[str] = (),
    scale: Mapping[str, int] | None = None,
    on_event: OnEvent = ignore,
) -> Json:
    """Start the stack, or what is missing of it, and return its status when everything is ready.

    `names` empty means everything; no `profile` the one that this home had before, at first the local one. Raises
    OperatorError when it cannot start; nothing is left running then, and no home where there was none and the start was
    refused as it was asked for.
    """
    layout = Layout((home or default_home()).absolute(), default_cache(), port_base or ports.DEFAULT_BASE)
    is_new = not layout.home.exists()
    try:
        return _up(
            layout,
            profile=profile,
            port_base=port_base,
            names=list(names),
            scale=dict(scale or {}),
            on_event=on_event,
        )
    except OperatorError as error:
        if is_new and (error.exit_code == EXIT_USAGE or error.code.startswith(PORTS)):
            delete(layout)
        raise


def _up(
    layout: Layout,
    *,
    profile: state.ProfileName | None,
    port_base: int | None,
    names: list[str],
    scale: dict[str, int],
    on_event: OnEvent,
) -> Json:
    make_directories(layout)
    control = Control(layout)
    ours = not control.answers
    if not ours:
        _refuse_other_profile(layout, profile)
        _refuse_other_base(layout, port_base)
    else:
        _launch(layout, profile=profile, port_base=port_base, names=names, scale=scale)
    try:
        for line in control.stream("up", seconds_max=BOOT_SECONDS_MAX, names=names, scale=scale):
            if "event" not in line:
                return line
            on_event(line)
    except KeyboardInterrupt:
        if ours:
            down(layout.home)
        raise
    except OperatorError as error:
        if error.code != SUPERVISOR_AWAY:
            if ours:  # a first boot that failed stops what it had started
                _wait_for_end(layout)
            raise
    _wait_for_end(layout)
    raise _vanished(layout)


def down(home: Path | None = None, *, wipe: bool = False) -> bool:
    """Stop everything of a home; with `wipe` also delete what it kept. False when nothing ran."""
    layout = state.layout_of(home)
    control = Control(layout)
    known = state.load(layout)
    was_running = control.answers
    if was_running:
        with contextlib.suppress(ConnectionError):
            control.stop()
        _wait_for_end(layout)
    elif known and known.supervisor.is_running:
        _end_mute_supervisor(layout, known.supervisor)
        was_running = True
    swept = leftovers.sweep(layout) if layout.home.is_dir() else []
    if wipe:
        if known and known.profile == "external" and known.urls:
            _wipe_external(layout, known)
        if known and known.profile == "compose":
            _wipe_containers(layout)
        delete(layout)
    return was_running or bool(swept)


def _wipe_external(layout: Layout, known: state.StackState) -> None:
    """Take out of the engines what they were given; raises OperatorError `external.not_wiped`."""
    from compose.external import wiping  # noqa: PLC0415 -- other profiles never need it
    from shared import contracts  # noqa: PLC0415 -- imports every contract

    secrets = secrets_file.load_or_make(layout)
    roles = {**secrets.database_passwords, AUDIT_ROLE: secrets.audit_password}
    topics = [topic.name for topic in contracts.topics(secrets.database_passwords)]
    asyncio.run(wiping.wipe(known.urls, roles=roles, topics=topics))


def _wipe_containers(layout: Layout) -> None:
    """Containers, volumes and network of the project; raises OperatorError `docker.…`."""
    from compose.containers import profile  # noqa: PLC0415 -- other profiles never need it

    if layout.compose_env_file.exists():
        asyncio.run(profile.compose(layout, "down", "--volumes", "--remove-orphans"))


def delete(layout: Layout) -> None:
    """Delete everything a stack wrote, and nothing else that may lie beside it."""
    elsewhere = data_root(layout.home)
    for path in (elsewhere, *(layout.home / name for name in OWN_ENTRIES)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    layout.socket_file.unlink(missing_ok=True)
    for directory in (layout.home, FOREIGN_DATA):
        with contextlib.suppress(OSError):  # something else is in there, or it is not there
            directory.rmdir()


def _launch(
    layout: Layout,
    *,
    profile: state.ProfileName | None,
    port_base: int | None,
    names: list[str],
    scale: dict[str, int],
) -> None:
    known = state.load(layout)
    chosen = profile or (known.profile if known else "local")
    argv = [sys.executable, "-P", "-m", "compose.supervisor", "--home", str(layout.home), f"--only={','.join(names)}"]
    argv += ["--profile", chosen]
    if port_base is not None:
        argv += ["--port-base", str(port_base)]
    for service, count in scale.items():
        argv += ["--scale", f"{service}={count}"]
    log = layout.log("supervisor")
    rotate(log)
    pid = _spawn_detached(argv, log, _environ(layout))
    deadline = time.monotonic() + LISTEN_SECONDS_MAX
    control = Control(layout)
    while not control.answers:
        if _has_ended(pid):
            raise _vanished(layout, pid=pid)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise _vanished(layout, pid=pid)
        time.sleep(PAUSE_SECONDS)


def _environ(layout: Layout) -> dict[str, str]:
    """Our environment; who wants no compiled modules beside the sources gets them in the cache instead.

    Compiling everything anew took 3 s of every boot and 10 % more memory. What the C library gives back to the system
    is set, which also keeps it from raising both thresholds by itself after a burst (mallopt(3)): 170 MB after a sale.
    """
    environ = {**GIVE_BACK, **os.environ}
    if sys.dont_write_bytecode:
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        environ.setdefault("PYTHONPYCACHEPREFIX", str(layout.cache / "bytecode"))
    return environ


def _spawn_detached(argv: list[str], log: Path, environ: dict[str, str]) -> int:
    """Start a process of its own session that we do not own: it outlives us.

    It keeps none of our files: a lock that a caller's shell holds on one would else be held until the stack stops.
    """
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions: list[tuple[Any, ...]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
        *((os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in _inherited()),
    ]
    return os.posix_spawn(argv[0], argv, environ, file_actions=actions, setsid=True)


def _inherited() -> list[int]:
    """The open files, beyond the standard three, that a child would get."""
    found: list[int] = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 names are numbers here, not paths
        with contextlib.suppress(OSError):  # the listing's own, closed by now
            if int(name) > STANDARD_ERROR and os.get_inheritable(int(name)):
                found.append(int(name))
    return found


def _has_ended(pid: int) -> bool:
    """Whether our child is over; reaps it."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _refuse_other_base(layout: Layout, asked: int | None) -> None:
    known = state.load(layout)
    if asked is not None and known and known.port_base != asked:
        raise OperatorError(
            "stack.other_ports",
            f"The stack in {layout.home} already runs on port base {known.port_base}.",
            mend=f"Stop it first (shopctl down), or start another beside it: SHOPSTREAM_HOME=DIR shopctl up "
            f"--port-base {asked}.",
        )


def _refuse_other_profile(layout: Layout, asked: state.ProfileName | None) -> None:
    known = state.load(layout)
    if asked is not None and known and known.profile != asked:
        raise OperatorError(
            "stack.other_profile",
            f"The stack in {layout.home} runs with the profile {known.profile}.",
            mend=f"Stop it first (shopctl down), or start another beside it: SHOPSTREAM_HOME=DIR shopctl up "
            f"--profile {asked}.",
        )


def _wait_for_end(layout: Layout) -> None:
    known = state.load(layout)
    deadline = time.monotonic() + STOP_SECONDS_MAX
    while known and known.supervisor.is_running and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    if known:
        _has_ended(known.supervisor.pid)


def _end_mute_supervisor(layout: Layout, supervisor: state.ProcessRecord) -> None:
    """It runs but does not answer: end it; its children die with it."""
    leftovers.end([supervisor])
    layout.socket_file.unlink(missing_ok=True)


def _vanished(layout: Layout, *, pid: int | None = None) -> OperatorError:
    """Why a supervisor is gone; with `pid` only what this one left behind counts, not the word of an earlier one."""
    known = state.load(layout)
    if known and known.error and pid in {None, known.supervisor.pid}:
        return operator_error.from_dict(known.error)
    log = layout.log("supervisor")
    if DISK_FULL in tail(log) or shutil.disk_usage(layout.home).free < ROOM_BYTES_MIN:
        return disk_full(layout.home)
    return OperatorError(
        "supervisor.ended",
        "The supervisor ended while starting.",
        mend=f"Read {log}, then: shopctl doctor.",
        exit_code=70,
    )
