"""A defect counts as planted when every instance says so, and as healed when every instance says so."""

from types import SimpleNamespace

import msgspec
import pytest

from compose import ports
from compose.layout import Layout
from compose.operator_error import OperatorError
from scenarios import planting
from scenarios.defects.card import DefectCard
from scenarios.drilling import play
from shared.fault_overlay import SEAL_PURPOSE, OverlayFile, TriggerSpec, opened
from shared.sealing import seal

CARD = DefectCard(
    id="wrong-twice",
    title="Wrong twice",
    parts=("orders.inventory", "inventory.reserve", "inventory.release"),
    root_cause="-",
    caught_by=("INV-01",),
    exposed_by="-",
    symptoms="-",
    fix="-",
    origin="-",
)
PROCESSES = ("gateway-1", "orders-1", "inventory-1", "inventory-2", "payments-1")


class FakeFleet:
    """Instances that read the overlay when they start; `deaf` ones never do, `calls` is what each says it counted."""

    secret = "the fleet's own"

    def __init__(self, folder, *, deaf=(), calls=0):
        self.layout = SimpleNamespace(overlay_file=folder / "overlay.json")
        self.control = SimpleNamespace(processes=lambda: [self._row(name) for name in PROCESSES])
        self.deaf = deaf
        self.calls = calls
        self.restarted = []
        self.sealed = False
        self.running = dict.fromkeys(PROCESSES, OverlayFile())

    async def supervise(self, command, *, target):
        self.restarted.append((command, target))
        overlay = msgspec.json.decode(self.layout.overlay_file.read_bytes(), type=OverlayFile)
        self.sealed = bool(overlay.sealed)
        overlay = opened(overlay, self.secret) if overlay.sealed else overlay
        self.running |= {name: overlay for name in PROCESSES if name.startswith(target) and name not in self.deaf}

    async def process(self, name):
        return self._row(name)

    async def contract(self, service, port):
        name = PROCESSES[port]
        parts = [part for part in CARD.parts if part.startswith(f"{service}.")]
        planted = [
            {"defect": defect.id, "parts": parts, "calls": self.calls, "fired": 0}
            for defect in self.running[name].defects
            if service not in defect.healthy_in
        ]
        if self.sealed:
            return {"sealed": seal(msgspec.json.encode(planted), secret=self.secret, purpose=SEAL_PURPOSE)}
        return {"consumes": [], "planted": planted}

    def _row(self, name):
        return {"name": name, "state": "ready", "port": PROCESSES.index(name)}


async def test_planting_restarts_the_services_of_the_parts_and_no_others(tmp_path):
    fleet = FakeFleet(tmp_path)
    await planting.plant(fleet, CARD, TriggerSpec("nth", 3))
    assert fleet.restarted == [("restart", "inventory"), ("restart", "orders")]
    assert fleet.running["inventory-2"].defects[0].trigger == TriggerSpec("nth", 3)
    await planting.heal(fleet, CARD)
    assert {overlay.defects for overlay in fleet.running.values()} == {()}


async def test_an_instance_without_the_defect_is_told_of(tmp_path):
    with pytest.raises(OperatorError, match="inventory-2") as refused:
        await planting.plant(FakeFleet(tmp_path, deaf=("inventory-2",)), CARD)
    assert refused.value.code == "defect.absent"


async def test_an_instance_that_keeps_the_defect_is_told_of(tmp_path):
    fleet = FakeFleet(tmp_path)
    await planting.plant(fleet, CARD)
    fleet.deaf = ("orders-1",)
    with pytest.raises(OperatorError, match="orders-1") as refused:
        await planting.heal(fleet, CARD)
    assert refused.value.code == "defect.present"


@pytest.mark.parametrize("card", [CARD, None], ids=["a defect", "none"])
async def test_what_is_hidden_is_in_and_nothing_tells_of_it(tmp_path, card):
    fleet = FakeFleet(tmp_path)
    await planting.hide(fleet, card, services=("inventory", "orders", "payments"))
    assert [target for _, target in fleet.restarted] == ["inventory", "orders", "payments"]
    assert len(fleet.running["inventory-2"].defects) == (card is not None)
    written = fleet.layout.overlay_file.read_text()
    assert CARD.id not in written
    assert "inventory" not in written
    assert planting.is_hidden(fleet.layout)


async def test_hidden_or_not_the_overlay_is_equally_long(tmp_path):
    lengths = set()
    for card in (CARD, None):
        fleet = FakeFleet(tmp_path)
        await planting.hide(fleet, card, services=())
        lengths.add(len(fleet.layout.overlay_file.read_bytes()))
    assert len(lengths) == 1


async def test_an_instance_without_what_is_hidden_is_told_of(tmp_path):
    fleet = FakeFleet(tmp_path, deaf=("orders-1",))
    with pytest.raises(OperatorError, match="orders-1") as refused:
        await planting.hide(fleet, CARD, services=("inventory", "orders"))
    assert refused.value.code == "drill.disturbed"
    assert CARD.id not in str(refused.value)


async def test_who_takes_out_what_is_hidden_is_told_so_and_not_what_it_was(tmp_path):
    fleet = FakeFleet(tmp_path)
    await planting.hide(fleet, CARD, services=("inventory", "orders"))
    await planting.confirm_hidden(fleet, CARD, services=("inventory", "orders"))
    fleet.layout.overlay_file.write_text("{}")
    await fleet.supervise("restart", target="inventory-2")
    with pytest.raises(OperatorError, match="inventory-2") as refused:
        await planting.confirm_hidden(fleet, CARD, services=("inventory", "orders"))
    assert refused.value.code == "drill.disturbed"
    assert CARD.id not in str(refused.value)


async def test_a_service_that_was_rolled_back_runs_without_what_is_hidden(tmp_path):
    fleet = FakeFleet(tmp_path)
    await planting.hide(fleet, CARD, services=("inventory", "orders"), healthy_in=("orders",))
    said = [await planting.planted(fleet, service) for service in ("inventory", "orders")]
    assert {name: bool(defects) for of in said for name, defects in of.items()} == {
        "inventory-1": True,
        "inventory-2": True,
        "orders-1": False,
    }
    with pytest.raises(OperatorError, match="orders-1"):
        await planting.confirm_hidden(fleet, CARD, services=("inventory", "orders"))


async def test_nothing_is_planted_over_a_drill(tmp_path):
    fleet = FakeFleet(tmp_path)
    await planting.hide(fleet, None, services=())
    with pytest.raises(OperatorError) as refused:
        await planting.plant(fleet, CARD)
    assert refused.value.code == "drill.open"
    await planting.unhide(fleet, services=("orders",))
    assert not planting.is_hidden(fleet.layout)
    await planting.plant(fleet, CARD)


async def test_what_a_start_left_that_was_killed_is_taken_out_by_asking_for_the_report(tmp_path):
    fleet = FakeFleet(tmp_path)
    await planting.hide(fleet, CARD, services=("inventory", "orders"))
    fleet.layout = Layout(tmp_path, tmp_path / "cache", ports.DEFAULT_BASE)
    with pytest.raises(OperatorError) as refused:
        await play.close(fleet)
    assert refused.value.code == "drill.none"
    assert not planting.is_hidden(fleet.layout)
    assert fleet.running["inventory-2"].defects == ()


@pytest.mark.parametrize(("calls", "reasons"), [(0, 1), (4, 0)])
async def test_a_load_that_never_calls_the_parts_says_nothing_about_the_defect(tmp_path, calls, reasons):
    fleet = FakeFleet(tmp_path, calls=calls)
    await planting.plant(fleet, CARD)
    assert len(await planting.unused(fleet, CARD)) == reasons


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("always", TriggerSpec()),
        ("once", TriggerSpec("once")),
        ("nth=3", TriggerSpec("nth", 3)),
        ("times=2", TriggerSpec("times", 2)),
    ],
)
def test_a_trigger_is_read_as_it_is_written(text, trigger):
    assert planting.trigger_of(text) == trigger
    assert planting.text_of(trigger) == text


@pytest.mark.parametrize("text", ["", "never", "nth=0", "nth=x", "times=-1", "nth=3=4"])
def test_a_trigger_that_says_nothing_is_refused(text):
    with pytest.raises(OperatorError) as refused:
        planting.trigger_of(text)
    assert (refused.value.code, refused.value.exit_code) == ("trigger.invalid", 2)


async def test_what_a_killed_run_left_planted_is_taken_out(tmp_path, monkeypatch):
    fleet = FakeFleet(tmp_path)
    await planting.clear(fleet)
    assert fleet.restarted == []
    monkeypatch.setattr(planting.catalogue, "card_of", {CARD.id: CARD}.__getitem__)
    await planting.plant(fleet, CARD)
    await planting.clear(fleet)
    assert {overlay.defects for overlay in fleet.running.values()} == {()}
    fleet.restarted.clear()
    await planting.clear(fleet)
    assert fleet.restarted == []
