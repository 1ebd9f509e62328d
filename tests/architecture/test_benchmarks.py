"""Every benchmark is run by `python -m loadtests.benchmarks`, and states its goal and its floor."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from loadtests import benchmarks
from loadtests.benchmarks.__main__ import BENCHMARKS

FOLDER = Path(benchmarks.__file__).parent


def test_every_module_that_reports_is_listed():
    reporting = {
        path.stem
        for path in FOLDER.glob("*.py")
        if any(isinstance(node, ast.ClassDef) and node.name == "Report" for node in ast.parse(path.read_text()).body)
    }
    assert reporting == set(BENCHMARKS)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_report_holds_its_floor_its_goal_and_its_verdict(name):
    report = import_module(f"loadtests.benchmarks.{name}").Report
    fields = report.__struct_fields__
    assert "floor" in fields
    assert [field for field in fields if field.startswith("goal_")]
    assert isinstance(report.reached, property)
