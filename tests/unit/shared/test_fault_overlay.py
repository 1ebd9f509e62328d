import json
import sys
import types
from dataclasses import dataclass

import msgspec
import pytest

import shared.fault_overlay
from shared.fault_overlay import (
    CATALOGUE_MODULE,
    Overlay,
    OverlayFile,
    OverlayRefusedError,
    Planted,
    PlantedDefect,
    Trigger,
    TriggerSpec,
    switched,
)
from shared.sealing import SealBrokenError
from shared.service_parts import ServiceParts
from shared.settings import ServiceSettings


def add(one: int, other: int) -> int:
    """The sum."""
    return one + other


async def add_later(one: int, other: int) -> int:
    return one + other


class Till:
    """`opened_with` tells which constructor ran."""

    currency: str = "EUR"

    def __init__(self) -> None:
        self.opened_with = "healthy"
        self.customers = 0

    def total(self) -> int:
        self.customers += 1
        return 10

    async def close(self) -> str:
        return "closed"

    @property
    def empty(self) -> bool:
        return self.customers == 0


class GreedyTill(Till):
    coins: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.opened_with = "greedy"

    def total(self) -> int:
        return super().total() + 89

    async def close(self) -> str:
        return "left open"


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    add: object = add
    add_later: object = add_later
    till: type[Till] = Till


HEALTHY = Parts()


def trigger(kind="always", n=1) -> Trigger:
    return Trigger(TriggerSpec(kind, n))


@pytest.fixture
def catalogue(monkeypatch):
    """Defects that need no service: a greedy till, wrong sums, and one that replaces what is not there."""
    module = types.ModuleType(CATALOGUE_MODULE)
    defects = {
        "greedy": {"orders.till": lambda _healthy, _settings: GreedyTill},
        "off-by-one": {
            "orders.add": lambda healthy, _settings: lambda one, other: healthy(one, other) + 1,
            "payments.add": lambda _healthy, _settings: None,
        },
        "off-by-two": {"orders.add": lambda healthy, _settings: lambda one, other: healthy(one, other) + 2},
        "named-after-its-process": {"orders.add": lambda _healthy, settings: lambda _one, _other: settings.instance},
        "everywhere": {
            "orders.add": lambda _healthy, _settings: lambda _one, _other: 0,
            "orders.till": lambda _healthy, _settings: GreedyTill,
        },
        "misspelt": {"orders.ad": lambda healthy, _settings: healthy},
    }

    def twins_of(defect_id):
        if defect_id not in defects:
            raise LookupError(defect_id)
        return defects[defect_id]

    module.twins_of = twins_of
    monkeypatch.setitem(sys.modules, CATALOGUE_MODULE, module)


def settings(tmp_path, content, **more) -> ServiceSettings:
    path = tmp_path / "overlay.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return ServiceSettings(**{"service": "orders", "internal_secret": "s" * 32, "overlay_file": str(path), **more})


def defects(*ids, **when):
    return {"defects": [{"id": one, **({"trigger": when} if when else {})} for one in ids]}


def planted(tmp_path, content) -> tuple[Parts, Overlay]:
    told = settings(tmp_path, content)
    overlay = Overlay.load(told)
    return overlay.plant(told, HEALTHY), overlay


def test_without_an_overlay_the_healthy_parts_themselves_are_used_and_nothing_imported(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, CATALOGUE_MODULE, None)  # importing it would fail
    for told in (
        ServiceSettings(service="a", internal_secret="s"),
        ServiceSettings(service="a", internal_secret="s", overlay_file=str(tmp_path / "none")),
        settings(tmp_path, {"defects": []}),
    ):
        assert Overlay.load(told).plant(told, HEALTHY) is HEALTHY


def test_a_defect_replaces_its_part_and_leaves_the_others(catalogue, tmp_path):
    parts, overlay = planted(tmp_path, defects("off-by-one"))
    assert parts.add(1, 2) == 4
    assert (parts.till, parts.relay) == (HEALTHY.till, HEALTHY.relay)
    assert overlay.account().planted == (Planted("off-by-one", ("orders.add",), calls=1, fired=1),)


def test_a_defect_may_replace_several_parts_and_they_share_its_trigger(catalogue, tmp_path):
    parts, overlay = planted(tmp_path, defects("everywhere", kind="times", n=2))
    till = parts.till()
    assert [parts.add(1, 2), till.total(), parts.add(1, 2), till.total()] == [0, 99, 3, 10]
    assert overlay.account().planted == (Planted("everywhere", ("orders.add", "orders.till"), calls=4, fired=2),)


def test_two_defects_of_one_part_both_take_effect(catalogue, tmp_path):
    parts, _ = planted(tmp_path, defects("off-by-one", "off-by-two"))
    assert parts.add(1, 2) == 6


def test_a_twin_knows_what_its_process_was_told(catalogue, tmp_path):
    told = settings(tmp_path, defects("named-after-its-process"), instance="orders-2")
    assert Overlay.load(told).plant(told, HEALTHY).add(1, 2) == "orders-2"


def test_a_defect_of_other_services_changes_nothing_here(catalogue, tmp_path):
    told = settings(tmp_path, defects("greedy"), service="shipping")
    overlay = Overlay.load(told)
    assert overlay.plant(told, HEALTHY) is HEALTHY
    assert overlay.account().planted == ()


def test_a_service_that_runs_the_release_before_has_no_part_of_it(catalogue, tmp_path):
    content = {"defects": [{"id": "off-by-one", "healthy_in": ["orders"]}]}
    parts, overlay = planted(tmp_path, content)
    assert parts is HEALTHY
    assert overlay.account().planted == ()


def hidden(defect: str, secret: str = "s" * 32) -> str:
    overlay = shared.fault_overlay.sealed(OverlayFile((PlantedDefect(defect),)), secret)
    return msgspec.json.encode(overlay).decode()


def test_a_sealed_overlay_is_planted_and_what_the_process_says_of_it_is_sealed_too(catalogue, tmp_path):
    content = hidden("off-by-one")
    assert "off-by-one" not in content
    parts, overlay = planted(tmp_path, content)
    assert parts.add(1, 1) == 3
    account = overlay.account()
    assert account.planted == ()
    assert account.opened("s" * 32) == (Planted("off-by-one", ("orders.add",), calls=1, fired=1),)
    with pytest.raises(SealBrokenError):
        account.opened("t" * 32)


def test_an_overlay_under_another_seal_is_refused(catalogue, tmp_path):
    with pytest.raises(OverlayRefusedError):
        Overlay.load(settings(tmp_path, hidden("off-by-one", secret="t" * 32)))


def test_production_refuses_a_sealed_defect_too(catalogue, tmp_path):
    with pytest.raises(OverlayRefusedError, match="SHOPSTREAM_ENV=production"):
        Overlay.load(settings(tmp_path, hidden("off-by-one"), env="production"))


def test_production_refuses_any_planted_defect(catalogue, tmp_path):
    with pytest.raises(OverlayRefusedError, match="production"):
        Overlay.load(settings(tmp_path, defects("greedy"), env="production"))
    assert Overlay.load(settings(tmp_path, {"defects": []}, env="production")).defects == ()


@pytest.mark.parametrize("defect", ["nobody", "misspelt"])
def test_an_unknown_defect_and_an_unknown_part_are_refused(catalogue, tmp_path, defect):
    with pytest.raises(OverlayRefusedError, match=defect):
        planted(tmp_path, defects(defect))


@pytest.mark.parametrize(
    "content",
    ["{", "[]", {"defect": []}, defects("greedy", kind="sometimes"), defects("greedy", kind="nth", n=0)],
)
def test_a_malformed_overlay_is_refused(content, tmp_path):
    with pytest.raises(OverlayRefusedError, match="cannot be read"):
        Overlay.load(settings(tmp_path, content))


@pytest.mark.parametrize(
    ("kind", "n", "fired"),
    [
        ("always", 1, [True, True, True, True]),
        ("once", 1, [True, False, False, False]),
        ("nth", 3, [False, False, True, False]),
        ("times", 2, [True, True, False, False]),
    ],
)
def test_triggers_fire_on_their_calls_whatever_the_twin_knows_of_them(kind, n, fired):
    sum_or_minus_one = switched(add, lambda _one, _other: -1, trigger(kind, n))
    assert [sum_or_minus_one(1, 2) == -1 for _ in range(4)] == fired
    till = switched(Till, GreedyTill, trigger(kind, n))()
    assert [till.total() == 99 for _ in range(4)] == fired


async def test_an_asynchronous_function_is_switched_per_call():
    async def wrong(_one, _other):
        return -1

    part = switched(add_later, wrong, trigger("once"))
    assert [await part(1, 2), await part(1, 2)] == [-1, 3]


def test_a_switched_function_looks_like_the_healthy_one():
    assert switched(add, lambda _one, _other: -1, trigger()).__doc__ == "The sum."


async def test_a_switched_class_is_one_object_whose_methods_take_turns():
    till = switched(Till, GreedyTill, trigger("nth", 2))()
    assert (till.opened_with, isinstance(till, Till)) == ("greedy", True)
    assert [till.total(), await till.close(), till.total()] == [10, "left open", 10]
    assert till.customers == 2
    assert not till.empty


def test_a_class_whose_twin_changes_more_than_methods_follows_no_trigger_but_always():
    class Foreign(Till):
        currency = "USD"

    assert switched(Till, Foreign, trigger()).currency == "USD"
    with pytest.raises(OverlayRefusedError, match=r"Foreign\.currency"):
        switched(Till, Foreign, trigger("once"))


def test_a_twin_that_is_no_subclass_and_a_part_that_is_neither_function_nor_class_are_refused():
    class Stranger:
        def total(self) -> int:
            return 0

    with pytest.raises(OverlayRefusedError, match="subclass"):
        switched(Till, Stranger, trigger())
    with pytest.raises(OverlayRefusedError, match="function or a class"):
        switched({"a": add}, {"a": add}, trigger())
