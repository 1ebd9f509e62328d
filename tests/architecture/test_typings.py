"""What typings/ says of a library is there at run time: classes, functions and the names of their parameters."""

import ast
import importlib
import inspect
import pathlib
from pathlib import Path

import pytest

TYPINGS = Path(__file__).parents[2] / "typings"
STUBS = sorted(TYPINGS.rglob("*.pyi"))


def _module(stub):
    parts = stub.relative_to(TYPINGS).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _differences(declared, owner):
    for node in declared:
        match node:
            case ast.ClassDef() if inspect.isclass(found := getattr(owner, node.name, None)):
                yield from (f"{node.name}.{difference}" for difference in _differences(node.body, found))
            case ast.ClassDef():
                yield f"{node.name} is no class there"
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _of_function(node, getattr(owner, node.name, None))
            case _:
                pass


def _of_function(node, found):
    if isinstance(found, property):
        return
    if not callable(found):
        yield f"{node.name} is not there"
        return
    try:
        taken = inspect.signature(found).parameters
    except ValueError:
        return  # compiled without a signature
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in taken.values()):
        return
    named = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)} - {"self", "cls"}
    yield from (f"{node.name} takes no {name}" for name in sorted(named - set(taken)))


@pytest.mark.parametrize("stub", STUBS, ids=_module)
def test_what_a_stub_declares_is_in_the_library(stub):
    declared = ast.parse(stub.read_text()).body
    assert list(_differences(declared, importlib.import_module(_module(stub)))) == []


def test_a_wrong_stub_is_noticed():
    stub = """
class Path:
    def exists(self, *, follow: bool) -> bool: ...
    def fly(self) -> None: ...

class Nowhere: ...
"""
    assert list(_differences(ast.parse(stub).body, pathlib)) == [
        "Path.exists takes no follow",
        "Path.fly is not there",
        "Nowhere is no class there",
    ]
