"""Every family and every fault, and how a fault is named on a command line."""

from collections.abc import Mapping
from types import ModuleType
from typing import Final, NamedTuple

import msgspec

from compose.operator_error import OperatorError
from scenarios.faults import broker, clock, database, events, handlers, mail, network, processes, psp, redis, resources
from scenarios.faults.fault import FaultValue
from shared.field_words import refused_field


class Family(NamedTuple):
    """One file of faults."""

    module: ModuleType
    faults: tuple[type[FaultValue], ...]

    @property
    def name(self) -> str:
        return self.module.__name__.rpartition(".")[2]


FAMILIES: Final = (
    Family(processes, (processes.Kill, processes.KillRelay, processes.KillAt, processes.Pause, processes.Restart)),
    Family(
        network,
        (network.Latency, network.Bandwidth, network.Slicer, network.Reset, network.Blackhole, network.Down),
    ),
    Family(broker, (broker.BrokerAway, broker.Rebalance)),
    Family(events, (events.Rewind, events.Duplicate, events.Reorder, events.Delay, events.Shuffle, events.Poison)),
    Family(handlers, (handlers.Unprocessable,)),
    Family(psp, (psp.PspDecline, psp.PspTimeout, psp.PspError, psp.PspSlow, psp.WebhookStorm)),
    Family(mail, (mail.MailTarpit, mail.MailDefer, mail.MailRefuse)),
    Family(redis, (redis.CacheFlush, redis.RedisPause)),
    Family(database, (database.PoolSqueeze, database.TableLock, database.SlowCommits)),
    Family(clock, (clock.ClockOffset, clock.ShortHolds, clock.LateDriver)),
    Family(resources, (resources.CpuBurn,)),
)
FAULTS: Final = {str(fault.__struct_config__.tag): fault for family in FAMILIES for fault in family.faults}


def named(family: Family) -> list[tuple[str, type[FaultValue]]]:
    """The faults of a family by name."""
    return [(str(fault.__struct_config__.tag), fault) for fault in family.faults]


def summary(fault: type[FaultValue]) -> str:
    """What it does, in a sentence."""
    return " ".join((fault.__doc__ or "").split())


def parameters(fault: type[FaultValue]) -> dict[str, object]:
    """What can be set besides the target, with the defaults."""
    return {it.name: it.default for it in msgspec.structs.fields(fault) if it.name != "target"}


def default_target(fault: type[FaultValue]) -> str:
    """The target of a fault that has but one, else ""."""
    (field,) = (it for it in msgspec.structs.fields(fault) if it.name == "target")
    return "" if field.required else str(field.default)


def made(name: str, target: str = "", settings: Mapping[str, object] | None = None) -> FaultValue:
    """The fault of that name. Raises OperatorError (fault.unknown, fault.setting) for what there is not."""
    fault = FAULTS.get(name)
    if fault is None:
        raise OperatorError("fault.unknown", f"There is no fault {name!r}.", mend=f"Choose from: {', '.join(FAULTS)}.")
    given = {"fault": name, **({"target": target} if target else {}), **(settings or {})}
    try:
        return msgspec.convert(given, fault, strict=False)
    except msgspec.ValidationError as error:
        field, words = refused_field(error, fault)
        known = ", ".join(f"{key}={value}" for key, value in parameters(fault).items())
        raise OperatorError(
            "fault.setting",
            f"{name} cannot be made so: {field} {words}.",
            mend=f"Give a target{f' and --set of {known}' if known else ''}.",
            exit_code=2,
        ) from error
