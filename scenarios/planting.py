"""Plants a defect in a running fleet and takes it out again, each confirmed by every instance it concerns."""

import asyncio
from collections.abc import Collection

import msgspec

from compose.layout import Layout
from compose.operator_error import OperatorError
from scenarios.defects import catalogue
from scenarios.defects.card import DefectCard
from scenarios.faults import processes
from scenarios.fleet import Fleet
from shared.fault_overlay import Account, OverlayFile, Planted, PlantedDefect, TriggerSpec, sealed
from shared.sealing import SealBrokenError

SETTLE_DEADLINE_S = 60.0
ALWAYS = TriggerSpec()
HIDDEN = "hidden"
"""What is said of the defect of a drill, and of a drill without any."""


def trigger_of(text: str) -> TriggerSpec:
    """`always`, `once`, `nth=3` or `times=2`, counted in calls of the defect's parts per process.

    Raises `OperatorError` (trigger.invalid).
    """
    kind, _, number = text.partition("=")
    try:
        return msgspec.convert({"kind": kind, **({"n": int(number)} if number else {})}, TriggerSpec)
    except ValueError as error:
        raise OperatorError(
            "trigger.invalid",
            f"{text!r} does not say when a defect strikes.",
            mend="Choose always, once, nth=N or times=N, with N from 1.",
            exit_code=2,
        ) from error


def text_of(trigger: TriggerSpec) -> str:
    """What `trigger_of` reads."""
    return trigger.kind if trigger.kind in {"always", "once"} else f"{trigger.kind}={trigger.n}"


async def plant(fleet: Fleet, card: DefectCard, trigger: TriggerSpec = ALWAYS) -> None:
    """Switch a defect on: the overlay names it, and the services with its parts start anew.

    Raises `OperatorError` (defect.absent) when an instance does not say that all of its parts are in, drill.open.
    """
    _refuse_during_a_drill(fleet)
    await _write(fleet, OverlayFile((PlantedDefect(card.id, trigger),)))
    _confirm_present(card, await _restarted(fleet, card.services))


async def hide(
    fleet: Fleet, card: DefectCard | None, *, services: Collection[str], healthy_in: Collection[str] = ()
) -> None:
    """Plant a defect, or none, so that nothing of the fleet names it; all these services start anew in any case.

    The services `healthy_in` are left without it. Raises `OperatorError` (drill.disturbed), which names nothing.
    """
    overlay = OverlayFile((PlantedDefect(card.id, healthy_in=tuple(healthy_in)),) if card else ())
    await _write(fleet, sealed(overlay, fleet.secret))
    _confirm_hidden(card, await _restarted(fleet, services), healthy_in=healthy_in)


async def confirm_hidden(
    fleet: Fleet, card: DefectCard | None, *, services: Collection[str], healthy_in: Collection[str] = ()
) -> None:
    """Whether all is still as `hide` left it. Raises `OperatorError` (drill.disturbed)."""
    said: dict[str, tuple[Planted, ...]] = {}
    for service in services:
        said |= await planted(fleet, service)
    _confirm_hidden(card, said, healthy_in=healthy_in)


async def heal(fleet: Fleet, card: DefectCard) -> None:
    """Switch it off again. Raises `OperatorError` (defect.present) when an instance still has it."""
    await unhide(fleet, services=card.services)


async def unhide(fleet: Fleet, *, services: Collection[str]) -> None:
    """Plant nothing. Raises `OperatorError` (defect.present) when an instance of these services still has a defect."""
    await _write(fleet, OverlayFile())
    _confirm_absent(await _restarted(fleet, services))


def is_hidden(layout: Layout) -> bool:
    """Whether what is planted, if anything, is a drill's."""
    try:
        return bool(msgspec.json.decode(layout.overlay_file.read_bytes(), type=OverlayFile).sealed)
    except (FileNotFoundError, msgspec.MsgspecError):
        return False


async def clear(fleet: Fleet) -> None:
    """Take out what a run planted that was killed before it could.

    Raises `OperatorError` (defect.present, drill.open).
    """
    _refuse_during_a_drill(fleet)
    path = fleet.layout.overlay_file
    if not await asyncio.to_thread(path.exists):
        return
    overlay = msgspec.json.decode(await asyncio.to_thread(path.read_bytes), type=OverlayFile)
    for left in overlay.defects:
        await heal(fleet, catalogue.card_of(left.id))


async def unused(fleet: Fleet, card: DefectCard) -> list[str]:
    """Why a load says nothing about the defect: none of its parts was called, in any process that lives now."""
    said = [await planted(fleet, service) for service in card.services]
    calls = sum(one.calls for of in said for defects in of.values() for one in defects if one.defect == card.id)
    return [] if calls else [f"no part of the defect {card.id} was ever called"]


async def planted(fleet: Fleet, service: str) -> dict[str, tuple[Planted, ...]]:
    """What each instance of a service says is planted in it, and how often it was called and struck."""
    instances = [
        process
        for process in await asyncio.to_thread(fleet.control.processes)
        if process["name"].rpartition("-")[0] == service
    ]
    answers = await asyncio.gather(*(fleet.contract(service, process["port"]) for process in instances))
    return {
        process["name"]: _opened(fleet, process["name"], msgspec.convert(answer, Account))
        for process, answer in zip(instances, answers, strict=True)
    }


def _opened(fleet: Fleet, process: str, account: Account) -> tuple[Planted, ...]:
    try:
        return account.opened(fleet.secret)
    except SealBrokenError as error:
        raise OperatorError(
            "seal.broken",
            f"{process} keeps its secrets under another seal.",
            mend=f"Restart it: shopctl restart {process}.",
        ) from error


def _confirm_hidden(
    card: DefectCard | None, said: dict[str, tuple[Planted, ...]], *, healthy_in: Collection[str]
) -> None:
    for process, planted_there in said.items():
        wanted = [] if process.rpartition("-")[0] in healthy_in else _parts_in(process, card)
        if wanted != sorted(part for defect in planted_there for part in defect.parts):
            raise OperatorError(
                "drill.disturbed",
                f"{process} does not run with what the drill has planted, or has not.",
                mend="Leave overlay.json alone, and try again.",
            )


def _parts_in(process: str, card: DefectCard | None) -> list[str]:
    """The parts that a defect replaces in a process."""
    service = process.rpartition("-")[0]
    return sorted(part for part in card.parts if part.startswith(f"{service}.")) if card else []


def _confirm_present(card: DefectCard, said: dict[str, tuple[Planted, ...]]) -> None:
    for process, planted_there in said.items():
        wanted = _parts_in(process, card)
        found = sorted(part for defect in planted_there if defect.defect == card.id for part in defect.parts)
        if wanted != found:
            raise OperatorError(
                "defect.absent",
                f"{process} runs without all parts of the defect {card.id}: it has {found or 'none'}.",
                mend=f"Look with: shopctl logs {process}.",
            )


def _confirm_absent(said: dict[str, tuple[Planted, ...]]) -> None:
    for process, planted_there in said.items():
        if planted_there:
            raise OperatorError(
                "defect.present",
                f"{process} still runs with the defect {planted_there[0].defect}.",
                mend=f"Restart it: shopctl restart {process}.",
            )


def _refuse_during_a_drill(fleet: Fleet) -> None:
    if is_hidden(fleet.layout):
        raise OperatorError(
            "drill.open",
            "A drill is under way: what is planted in this fleet stays as it is.",
            mend="End it first: shopctl drill report.",
        )


async def _write(fleet: Fleet, overlay: OverlayFile) -> None:
    await asyncio.to_thread(fleet.layout.overlay_file.write_bytes, msgspec.json.encode(overlay))


async def _restarted(fleet: Fleet, services: Collection[str]) -> dict[str, tuple[Planted, ...]]:
    """Restart these services; gives what each of their instances says afterwards."""
    said: dict[str, tuple[Planted, ...]] = {}
    for service in services:
        await fleet.supervise("restart", target=service)
        for process in await asyncio.to_thread(fleet.control.processes):
            if process["name"].rpartition("-")[0] == service:
                await processes.wait_ready(fleet, process["name"], deadline_s=SETTLE_DEADLINE_S)
        said |= await planted(fleet, service)
    return said
