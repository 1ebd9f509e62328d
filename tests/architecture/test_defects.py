"""Every planted defect can be planted: its card, its twin and its seam find each other."""

import ast
from pathlib import Path

import pytest

from scenarios import checkers, defects
from scenarios.defects import registry
from tests.apps import SERVICES

ROOT = Path(__file__).parents[2]
CARDS = registry.CARDS
NOT_TWINS = {"__init__", "cards", "registry"}

# Cards whose twin is announced and not written yet; planting one of them stops its service from starting.
ANNOUNCED = {"retry-without-id"}


def _seams() -> dict[str, str]:
    """Seam name → the service whose composition root has it; only literal names count."""
    return {
        node.args[0].value: service
        for service in SERVICES
        for node in ast.walk(ast.parse((ROOT / "svc" / service / "app.py").read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "seam"
        and isinstance(node.args[0], ast.Constant)
    }


SEAMS = _seams()


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_a_defects_seam_is_in_the_service_it_names(card):
    assert SEAMS.get(card.seam) == card.service


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_a_defects_twin_loads(card):
    if card.id in ANNOUNCED and not list(Path(defects.__file__).parent.rglob(f"{card.id.replace('-', '_')}.py")):
        pytest.skip("the twin of this card is not written yet")
    assert callable(registry.twin_for(card.id, card.seam))


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_a_defect_is_caught_by_invariants_that_are_judged(card):
    assert card.caught_by
    assert set(card.caught_by) <= {checker.id for checker in checkers.ALL_CHECKERS}


def test_a_defect_nobody_knows_is_refused():
    with pytest.raises(LookupError):
        registry.twin_for("no-such-defect", "inventory.reserve")


def test_every_file_of_a_defect_has_a_card():
    folder = Path(defects.__file__).parent
    cards = {card.id for card in CARDS}
    twins = {
        path.stem.replace("_", "-")
        for path in folder.rglob("*.py")
        if path.stem not in NOT_TWINS
        and any(isinstance(n, ast.FunctionDef) and n.name == "twin" for n in ast.parse(path.read_text()).body)
    }
    assert twins <= cards
    assert len(cards) == len(CARDS)


@pytest.mark.parametrize("service", SERVICES)
def test_a_seam_bears_the_name_of_its_service(service):
    assert [seam for seam, owner in SEAMS.items() if owner == service and not seam.startswith(f"{service}.")] == []
