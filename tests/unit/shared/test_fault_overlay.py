import json
import sys
import types

import pytest

from shared.fault_overlay import REGISTRY_MODULE, Overlay, OverlayRefusedError, Trigger, TriggerSpec
from shared.settings import ServiceSettings


class Till:
    def total(self) -> int:
        return 10


class GreedyTill:
    def __init__(self, healthy, trigger):
        self.healthy, self.trigger = healthy, trigger

    def total(self) -> int:
        return 99 if self.trigger.fires() else self.healthy.total()


def lazy_twin(healthy):
    return ("lazy", healthy)


@pytest.fixture
def registry(monkeypatch):
    module = types.ModuleType(REGISTRY_MODULE)
    twins = {("greedy", "till"): GreedyTill, ("lazy", "till"): lazy_twin}

    def twin_for(defect_id, seam_name):
        if defect_id not in {name for name, _ in twins}:
            raise KeyError(defect_id)
        return twins.get((defect_id, seam_name))

    module.twin_for = twin_for
    monkeypatch.setitem(sys.modules, REGISTRY_MODULE, module)


def settings(tmp_path, content, **more) -> ServiceSettings:
    path = tmp_path / "overlay.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return ServiceSettings(service="orders", internal_secret="s" * 32, overlay_file=str(path), **more)


def defects(*ids, **trigger):
    return {"defects": [{"id": one, **({"trigger": trigger} if trigger else {})} for one in ids]}


def test_without_an_overlay_the_healthy_object_itself_is_used_and_nothing_imported(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, REGISTRY_MODULE, None)  # importing it would fail
    till = Till()
    for overlay in (
        Overlay.load(ServiceSettings(service="a", internal_secret="s")),
        Overlay.load(ServiceSettings(service="a", internal_secret="s", overlay_file=str(tmp_path / "none"))),
        Overlay.load(settings(tmp_path, {"defects": []})),
    ):
        assert overlay.seam("till", till) is till


def test_a_defect_swaps_its_seam_and_leaves_the_others(registry, tmp_path):
    overlay = Overlay.load(settings(tmp_path, defects("greedy")))
    till = Till()
    assert overlay.seam("door", till) is till
    assert overlay.seam("till", till).total() == 99
    assert overlay.applied == [("greedy", "till")]


def test_twins_of_one_defect_share_its_trigger(registry, tmp_path):
    overlay = Overlay.load(settings(tmp_path, defects("greedy", kind="times", n=2)))
    first, second = overlay.seam("till", Till()), overlay.seam("till", Till())
    assert [first.total(), second.total(), first.total()] == [99, 99, 10]


def test_production_refuses_any_planted_defect(registry, tmp_path):
    with pytest.raises(OverlayRefusedError, match="production"):
        Overlay.load(settings(tmp_path, defects("greedy"), env="production"))
    assert Overlay.load(settings(tmp_path, {"defects": []}, env="production")).defects == ()


def test_an_unknown_defect_is_refused(registry, tmp_path):
    overlay = Overlay.load(settings(tmp_path, defects("nobody")))
    with pytest.raises(OverlayRefusedError, match="nobody"):
        overlay.seam("till", Till())


def test_a_twin_without_a_trigger_cannot_be_told_when(registry, tmp_path):
    assert Overlay.load(settings(tmp_path, defects("lazy"))).seam("till", 1) == ("lazy", 1)
    with pytest.raises(OverlayRefusedError, match="takes no trigger"):
        Overlay.load(settings(tmp_path, defects("lazy", kind="once"))).seam("till", 1)


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
def test_triggers_fire_on_their_calls(kind, n, fired):
    trigger = Trigger(TriggerSpec(kind, n))
    assert [trigger.fires() for _ in range(4)] == fired
