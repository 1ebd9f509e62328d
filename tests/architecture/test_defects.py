"""Every planted defect can be planted: listed in the catalogue, its card filled, its twins fit their parts."""

from importlib import import_module
from pathlib import Path

import msgspec
import pytest

from scenarios import defects
from scenarios.defects import catalogue
from scenarios.drills import SCENARIOS
from shared.fault_overlay import Trigger, TriggerSpec, switched

CARDS = [card for scenario in SCENARIOS for card in scenario.defects]
by_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)


def test_every_file_of_a_defect_is_listed_and_every_listed_defect_is_a_file():
    folder = Path(defects.__file__).parent
    files = {f"{path.parent.name}.{path.stem}" for path in folder.glob("*/*.py") if path.stem != "__init__"}
    assert files == set(catalogue.DEFECTS)


def test_every_listed_defect_belongs_to_a_scenario_under_a_name_of_its_own():
    assert [card.id for card in CARDS] == [name.partition(".")[2].replace("_", "-") for name in catalogue.DEFECTS]
    assert len({card.id for card in CARDS}) == len(CARDS)


@by_card
def test_a_card_is_filled(card):
    assert _empty(card) == []


def _empty(card):
    return [name for name, value in msgspec.structs.asdict(card).items() if not value]


def test_a_card_with_a_gap_and_a_part_that_there_is_not_are_found():
    (card, *_) = CARDS
    assert _empty(msgspec.structs.replace(card, fix="", caught_by=())) == ["caught_by", "fix"]
    service, _, _ = card.parts[0].partition(".")
    assert _without_place([f"{service}.that_there_never_was", *card.parts]) == [f"{service}.that_there_never_was"]


@by_card
def test_a_card_names_the_parts_that_are_replaced(card):
    assert sorted(catalogue.twins_of(card.id)) == sorted(card.parts)
    assert _without_place(card.parts) == []


def _without_place(parts):
    return [part for part in parts if not hasattr(_healthy(part), _field(part))]


@by_card
@pytest.mark.parametrize("kind", ["always", "once", "nth", "times"])
def test_a_defect_follows_every_trigger(card, kind):
    for part, twin in catalogue.twins_of(card.id).items():
        healthy = getattr(_healthy(part), _field(part))
        settings = import_module(f"svc.{part.partition('.')[0]}.settings").Settings(internal_secret="s" * 32)
        switched(healthy, twin(healthy, settings), Trigger(TriggerSpec(kind)))


def test_a_defect_nobody_knows_is_refused():
    with pytest.raises(LookupError):
        catalogue.twins_of("no-such-defect")


def _healthy(part: str):
    return import_module(f"svc.{part.partition('.')[0]}.parts").HEALTHY


def _field(part: str) -> str:
    return part.partition(".")[2]
