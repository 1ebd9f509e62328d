"""No path bypasses a part: a service reaches what a defect may replace through its parts, and in no other way."""

import ast
import builtins
import inspect
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import shared
import svc
from shared.service_parts import ServiceParts
from svc.inventory.batcher import ReservationBatcher
from svc.inventory.handlers import reserve
from tests.support.apps import SERVICES

ROOT = Path(svc.__file__).parent
SHARED = Path(shared.__file__).parent


def _parts_module(service: str) -> ModuleType:
    return import_module(f"svc.{service}.parts")


def _names(body: ast.AST) -> set[str]:
    """What a function binds itself: parameters, assignments, loop variables."""
    bound = {node.id for node in ast.walk(body) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return bound | {node.arg for node in ast.walk(body) if isinstance(node, ast.arg)}


class _Uses(ast.NodeVisitor):
    """Lines on which a module uses one of the objects, other than to say of what type something is."""

    def __init__(self, module: ModuleType, wanted: dict[int, str]) -> None:
        self.module = module
        self.wanted = wanted
        self.found: list[str] = []
        self.bound: list[set[str]] = [set()]

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for value in (*node.args.defaults, *node.args.kw_defaults, *node.decorator_list):
            if value is not None:
                self.visit(value)
        self.bound.append(self.bound[-1] | _names(node))
        for statement in node.body:
            self.visit(statement)
        self.bound.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 the visitor's naming

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)
        if not isinstance(self._resolved(node.value), type):  # list[Shelf] is a type, routes[key] a use of key
            self.visit(node.slice)

    def visit_Name(self, node: ast.Name) -> None:
        self._note(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._note(node)
        self.generic_visit(node)

    def _note(self, node: ast.Name | ast.Attribute) -> None:
        name = self.wanted.get(id(self._resolved(node)))
        if name is not None and isinstance(node.ctx, ast.Load):
            self.found.append(f"{self.module.__name__}:{node.lineno} uses {name}")

    def _resolved(self, node: ast.expr) -> Any:
        """The object a dotted name stands for in the module; None for anything computed."""
        if isinstance(node, ast.Name) and node.id not in self.bound[-1]:
            return vars(self.module).get(node.id, getattr(builtins, node.id, None))
        if isinstance(node, ast.Attribute):
            owner = self._resolved(node.value)
            return getattr(owner, node.attr, None) if isinstance(owner, ModuleType) else None
        return None


def bypasses(module: ModuleType, parts: dict[str, object], source: str = "") -> list[str]:
    uses = _Uses(module, {id(part): name for name, part in parts.items()})
    uses.visit(ast.parse(source or inspect.getsource(module)))
    return uses.found


def _modules(service: str) -> list[ModuleType]:
    names = (path.relative_to(ROOT.parent).with_suffix("").parts for path in (ROOT / service).rglob("*.py"))
    return [
        import_module(".".join(name).removesuffix(".__init__"))
        for name in names
        if "migrations" not in name and name[-1] not in {"__main__", "parts"}
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_no_module_of_a_service_uses_a_healthy_part_directly(service):
    healthy = _parts_module(service).HEALTHY
    parts = {field.name: getattr(healthy, field.name) for field in fields(healthy)}
    assert [use for module in _modules(service) for use in bypasses(module, parts)] == []


def test_the_runtime_of_all_services_uses_no_healthy_part_directly():
    parts = {field.name: field.default for field in fields(ServiceParts)}
    names = [path.stem for path in SHARED.glob("*.py") if path.stem not in {"__init__", "service_parts", "warm_up"}]
    assert [use for name in names for use in bypasses(import_module(f"shared.{name}"), parts)] == []


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("from svc.inventory import handlers\ndef f():\n    handlers.reserve()", ["reserve"]),
        ("from svc.inventory.handlers import reserve as take\ndef f(by=take): ...", ["reserve"]),
        ("from svc.inventory.handlers import reserve\nTABLE = {1: reserve}", ["reserve"]),
        (
            "from svc.inventory.batcher import ReservationBatcher\ndef f():\n    return ReservationBatcher(1, 2)",
            ["batcher"],
        ),
        ("from svc.inventory.batcher import ReservationBatcher\nclass Other(ReservationBatcher): ...", ["batcher"]),
        (
            "from svc.inventory.batcher import ReservationBatcher\n"
            "def f(d: ReservationBatcher) -> list[ReservationBatcher]: ...",
            [],
        ),
        ("from svc.inventory.batcher import ReservationBatcher\nKind = dict[str, ReservationBatcher]", []),
        ("from svc.inventory.handlers import reserve\ndef f(reserve):\n    reserve()", []),
        ("from svc.inventory.handlers import reserve", []),
    ],
)
def test_a_bypass_is_seen_and_a_type_is_none(source, uses):
    module = ModuleType("planted")
    exec(source, vars(module))  # noqa: S102 the parameters above
    parts = {"reserve": reserve, "batcher": ReservationBatcher}
    assert bypasses(module, parts, source) == [f"planted:{source.count(chr(10)) + 1} uses {name}" for name in uses]


@pytest.mark.parametrize("service", SERVICES)
def test_parts_are_functions_or_classes_each_with_its_line(service):
    for kind in _parts_module(service).Parts.__mro__[:2]:
        body = ast.parse(inspect.getsource(kind)).body[0]
        assert isinstance(body, ast.ClassDef)
        lines = body.body[1:]
        assert [type(line) for line in lines] == [ast.AnnAssign, ast.Expr] * (len(lines) // 2)
    healthy = _parts_module(service).HEALTHY
    assert [
        f.name
        for f in fields(healthy)
        if not inspect.isfunction(p := getattr(healthy, f.name)) and not isinstance(p, type)
    ] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_composition_root_takes_parts_and_is_healthy_without_being_told(service):
    root = inspect.signature(import_module(f"svc.{service}.app").create_app)
    assert root.parameters["parts"].default is _parts_module(service).HEALTHY
