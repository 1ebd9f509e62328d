"""Every benchmark is run by `python -m loadtests.benchmarks`, states its floor, and tells figures and a verdict."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from loadtests import benchmarks
from loadtests.benchmarks.__main__ import BENCHMARKS
from loadtests.benchmarks.elsewhere import ELSEWHERE
from scenarios.drills import SCENARIOS

FOLDER = Path(benchmarks.__file__).parent
ROOT = FOLDER.parents[1]


def test_every_module_that_reports_is_listed():
    assert _reporting(FOLDER) == set(BENCHMARKS)


def _reporting(folder):
    return {
        path.stem
        for path in folder.glob("*.py")
        if path.stem != "reporting"
        and any(isinstance(node, ast.ClassDef) and node.name == "Report" for node in ast.parse(path.read_text()).body)
    }


def test_a_module_that_reports_and_nobody_lists_is_found(tmp_path):
    (tmp_path / "planted.py").write_text("class Report: ...")
    (tmp_path / "measuring.py").write_text("def measure(): ...")
    assert _reporting(tmp_path) == {"planted"}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_report_holds_its_floor_its_figures_and_its_verdict(name):
    report = import_module(f"loadtests.benchmarks.{name}").Report
    assert "floor" in report.__struct_fields__
    assert isinstance(report.figures, property)
    assert isinstance(report.reached, property)
    defaults = dict(zip(reversed(report.__struct_fields__), reversed(report.__struct_defaults__), strict=False))
    assert defaults["benchmark"] == name


@pytest.mark.parametrize("command", sorted({command for it in ELSEWHERE for command in it.commands}))
def test_a_command_that_measures_a_figure_exists(command):
    _check(command)


@pytest.mark.parametrize(
    "command",
    [
        "nox -s nothing",
        "shopctl status",
        "shopctl scenario run no-such-incident",
        "shopctl scenario run flash-sale --quick --set nothing=1",
    ],
)
def test_a_command_that_measures_nothing_is_found(command):
    with pytest.raises((AssertionError, ValueError)):
        _check(command)


def _check(command):
    if found := re.match(r"nox -s (\S+)", command):
        assert f"def {found[1]}(" in (ROOT / "noxfile.py").read_text()
        return
    found = re.match(r"shopctl scenario run (\S+)(.*)", command)
    assert found, f"{command} is neither a session nor a scenario"
    (scenario,) = [drill for drill in SCENARIOS if drill.id == found[1]]
    form = scenario.forms["quick" if "--quick" in found[2] else "full"]
    known = set(form.parameters.__struct_fields__)
    assert set(re.findall(r"--set (\w+)=", found[2])) <= known
