"""What `doctor` looks at: can this machine start a stack here, with which engines, and what stands in the way."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import psutil

from compose import ports, privileges, secrets_file, stack, state
from compose.control import Control
from compose.engines import jars, java, providers
from compose.engines.postgres import data_root
from compose.environment import AUDIT_ROLE
from compose.layout import Layout
from compose.operator_error import OperatorError
from compose.supervisor import leftovers

DISK_FREE_MIN: Final = 1_000_000_000
MEMORY_FREE_MIN: Final = 1_200_000_000
PYTHON_MIN: Final = (3, 11)

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check; `mend` says what to do unless all is well."""

    name: str
    verdict: Verdict
    detail: str
    mend: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def examine(home: Path | None = None) -> list[Finding]:
    """Every check, in the order an operator would go through them. Nothing is started or changed."""
    layout = state.layout_of(home)
    profile = os.environ.get("SHOPSTREAM_PROFILE") or (known.profile if (known := state.load(layout)) else "local")
    findings = [_system(), _user(layout), _home(layout)]
    findings += [_disk("disk of the state directory", layout.home), _disk("disk of the cache", layout.cache), _memory()]
    findings += _external(layout) if profile == "external" else _local(layout)
    findings += [_stack(layout), _leftovers(layout), _ports(layout)]
    return findings


def _local(layout: Layout) -> list[Finding]:
    """What starts the engines here."""
    return [
        _tried("java", lambda: java.choose().reason),
        _tried("postgres", lambda: _provided(providers.postgres())),
        _tried("redis", lambda: _provided(providers.redis())),
        _jars(layout, "kafka"),
        _jars(layout, "elasticsearch"),
    ]


def _external(layout: Layout) -> list[Finding]:
    """The engines where they are said to be, each looked at as a start would."""
    from compose.external import engine as external  # noqa: PLC0415 -- other profiles never need it

    secrets = secrets_file.load_or_make(layout) if layout.secrets_file.is_file() else None
    roles = {**secrets.database_passwords, AUDIT_ROLE: secrets.audit_password} if secrets else {}
    try:
        where = external.addresses(os.environ)
    except OperatorError as error:
        return [Finding("external engines", "fail", error.what, error.mend)]

    async def look(name: str) -> Finding:
        try:
            found = await external.External(name, where, roles=roles).examine()
        except OperatorError as error:
            return Finding(name, "fail", error.what, error.mend)
        return Finding(name, "warn" if found.notes else "ok", found.described, " ".join(found.notes))

    async def look_at_all() -> list[Finding]:
        return list(await asyncio.gather(*map(look, external.NAMES)))

    return asyncio.run(look_at_all())


def _system() -> Finding:
    detail = f"Python {sys.version.split()[0]} on {sys.platform}, {os.cpu_count()} cores"
    if sys.platform != "linux" or sys.version_info < PYTHON_MIN:
        return Finding("system", "fail", detail, "ShopStream needs Linux and Python 3.11 or newer.")
    return Finding("system", "ok", detail)


def _user(layout: Layout) -> Finding:
    if os.geteuid() != 0:
        return Finding("user", "ok", f"uid {os.geteuid()}")
    uid = privileges.unprivileged_uid()
    return Finding("user", "ok", f"root; PostgreSQL runs as uid {uid} in {data_root(layout.home)}")


def _home(layout: Layout) -> Finding:
    place = _existing(layout.home)
    if (file := next((path for path in (layout.home, *layout.home.parents) if path.exists()), place)) != place:
        return Finding(
            "state directory",
            "fail",
            f"{file} is no directory",
            "Choose another: export SHOPSTREAM_HOME=/path/with/room.",
        )
    if os.access(place, os.W_OK | os.X_OK):
        return Finding("state directory", "ok", str(layout.home))
    return Finding(
        "state directory", "fail", f"{place} is not writable", "Choose another: export SHOPSTREAM_HOME=/path/with/room."
    )


def _disk(name: str, path: Path) -> Finding:
    place = _existing(path)
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free at {place}"
    if free >= DISK_FREE_MIN:
        return Finding(name, "ok", detail)
    variable = "SHOPSTREAM_CACHE" if "cache" in name else "SHOPSTREAM_HOME"
    return Finding(name, "fail", detail, f"Free 1 GB, or move it: export {variable}=/path/with/room.")


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    detail = f"{free / 1e9:.1f} GB available"
    if free >= MEMORY_FREE_MIN:
        return Finding("memory", "ok", detail)
    return Finding("memory", "warn", detail, "The whole stack takes about 1 GB: close something, or use --only.")


def _tried(name: str, choose: Callable[[], str]) -> Finding:
    try:
        return Finding(name, "ok", choose())
    except OperatorError as error:
        return Finding(name, "fail", error.what, error.mend)


def _provided(provider: providers.Provider) -> str:
    return f"{provider.name} {provider.version}, {provider.reason}"


def _jars(layout: Layout, name: str) -> Finding:
    wanted = jars.locked(name)
    present, size = jars.present(layout.cache, wanted)
    if present == len(wanted.jars):
        return Finding(name, "ok", f"{name} {wanted.version}, {present} jars in the cache, {size / 1e6:.0f} MB")
    return Finding(
        name,
        "warn",
        f"{name} {wanted.version}, {present} of {len(wanted.jars)} jars in the cache",
        "Nothing to do: the next shopctl up downloads and verifies the rest (network needed once).",
    )


def _stack(layout: Layout) -> Finding:
    known = state.load(layout)
    if known is None or not known.supervisor.is_running:
        return Finding("stack", "ok", "not running")
    if Control(layout).answers:
        return Finding("stack", "ok", f"running on port base {known.port_base}, pid {known.supervisor.pid}")
    return Finding(
        "stack",
        "fail",
        f"supervisor pid {known.supervisor.pid} does not answer",
        "End it and what it left: shopctl down.",
    )


def _leftovers(layout: Layout) -> Finding:
    known = state.load(layout)
    if known and known.supervisor.is_running:
        return Finding("leftovers", "ok", "none: the supervisor runs")
    left = leftovers.find(layout)
    if not left:
        return Finding("leftovers", "ok", "none")
    names = ", ".join(f"{record.name} ({record.pid})" for record in left)
    return Finding("leftovers", "warn", names, "The next shopctl up ends them; or now: shopctl down.")


def _ports(layout: Layout) -> Finding:
    known = state.load(layout)
    if known and known.supervisor.is_running:
        return Finding("ports", "ok", f"base {known.port_base}, in use by this stack")
    taken = ports.taken(layout.port_base, stack.load().offsets())
    if not taken:
        return Finding("ports", "ok", f"base {layout.port_base} is free")
    held = ", ".join(f"{port} for {name}{_by(port)}" for name, port in taken.items())
    return Finding(
        "ports", "warn", f"taken: {held}", "shopctl up takes the next free base; or name one: --port-base 30000."
    )


def _by(port: int) -> str:
    holder = ports.holder_of(port)
    return f" by pid {holder[0]} ({holder[1]})" if holder else ""


def _existing(path: Path) -> Path:
    """The nearest directory on the way that exists."""
    return next(place for place in (path, *path.parents) if place.is_dir())
