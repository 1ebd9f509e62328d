"""The catalogue of faults: whole, and strict about what a command line says."""

from pathlib import Path

import msgspec
import pytest

from compose.operator_error import OperatorError
from scenarios import faults
from scenarios.faults import catalogue
from scenarios.faults.fault import FaultValue

NO_FAMILIES = {
    "active", "by_hand", "catalogue", "controls", "fault", "former_versions", "injections", "keeper",
    "knocking", "programme", "sessions",
}  # fmt: skip


def test_every_file_is_a_family_of_the_catalogue():
    files = {path.stem for path in Path(faults.__path__[0]).glob("[!_]*.py")}
    assert {family.name for family in catalogue.FAMILIES} == files - NO_FAMILIES


def test_every_fault_of_a_family_is_in_the_catalogue():
    for family in catalogue.FAMILIES:
        defined = {
            it
            for it in vars(family.module).values()
            if isinstance(it, type)
            and issubclass(it, FaultValue)
            and it.__module__ == family.module.__name__
            and not it.__name__.startswith("_")
        }
        assert defined == set(family.faults), family.name


def test_names_are_unique_and_every_fault_says_what_it_does():
    assert len(catalogue.FAULTS) == sum(len(family.faults) for family in catalogue.FAMILIES)
    assert all(catalogue.summary(fault) for fault in catalogue.FAULTS.values())


def test_a_fault_survives_its_record():
    made = catalogue.made("latency", "orders:postgres", {"latency_ms": "40"})
    told = msgspec.to_builtins(made)
    assert catalogue.made(told.pop("fault"), settings=told) == made
    assert (made.name, made.target, made.latency_ms) == ("latency", "orders:postgres", 40)


@pytest.mark.parametrize(
    ("name", "target", "settings", "code"),
    [
        ("plague", "orders", {}, "fault.unknown"),
        ("kill", "", {}, "fault.setting"),
        ("latency", "orders:postgres", {"latency_ms": "much"}, "fault.setting"),
        ("latency", "orders:postgres", {"slowness": "1"}, "fault.setting"),
        ("psp-decline", "", {"rate": "7"}, "fault.setting"),
        ("rewind", "orders", {"records_max": "0"}, "fault.setting"),
        ("clock-offset", "orders", {"offset_s": "nan"}, "fault.setting"),
    ],
)
def test_what_is_no_fault_is_refused_as_usage(name, target, settings, code):
    with pytest.raises(OperatorError) as refused:
        catalogue.made(name, target, settings)
    assert (refused.value.code, refused.value.exit_code) == (code, 2)
