"""What the processes of a load must know before they begin; handed to them as a file, or by Locust's master."""

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from compose.operator_error import OperatorError
from loadtests.suite import Crowd
from scenarios.workloads.market import Person


class LoadStage(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to be and what to want; how many come when, and when it ends.

    `elsewhere` says that an operator has named a shop that is not on this machine.

    `words` are what people search for; `scarce_sku` is empty where nothing is scarce.
    """

    name: str
    target: str
    elsewhere: bool
    processes: int
    for_s: float
    requests_max: int
    crowd: tuple[Crowd, ...]
    rate: float
    people: tuple[Person, ...]
    skus: tuple[str, ...]
    words: tuple[str, ...]
    category: str
    scarce_sku: str = ""


def write_stage(stage: LoadStage, path: Path) -> None:
    """For nobody else to read: it holds the tokens of simulated people."""
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_bytes(msgspec.json.encode(stage))
    new.replace(path)


def read_stage(content: bytes | str) -> LoadStage:
    """Raises OperatorError (load.not_here) when it leads elsewhere without having been told to."""
    stage = msgspec.json.decode(content, type=LoadStage)
    check_target(stage.target, elsewhere=stage.elsewhere)
    return stage


def check_target(url: str, *, elsewhere: bool) -> None:
    """Load goes to this machine, unless an operator runs it on several. Raises OperatorError (load.not_here)."""
    if elsewhere or is_loopback(url):
        return
    raise OperatorError(
        "load.not_here",
        f"{url} is not on this machine, and load goes nowhere else.",
        mend="Add --master when workers on other hosts are to load a shop of yours.",
        exit_code=2,
    )


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own, by its form alone: names other than localhost are not looked up."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
