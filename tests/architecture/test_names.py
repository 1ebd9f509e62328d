"""Names that say nothing are not used, and money is never a float, in any module of the product or its tests."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("svc", "shared", "scenarios", "compose", "cli", "loadtests", "tests")
WORDS_MIN = 3
BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers"}
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
SHIPPED = [path for path in MODULES if path.relative_to(ROOT).parts[0] != "tests"]
HANDLERS = sorted([*(ROOT / "svc").glob("*/handlers.py"), *(ROOT / "svc").glob("*/handlers/*.py")])
OPENS = {"begin", "begin_orm"}
ENDS = {"commit", "rollback"}
ENVIRONMENT = {"environ", "getenv"}


def _label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _attributes(path: Path) -> set[str]:
    """The names of the methods and attributes a module uses."""
    return {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}


def _reads_the_environment(path: Path) -> bool:
    return bool(_attributes(path) & ENVIRONMENT)


def _decides_on_transactions(path: Path) -> bool:
    """Whether a module opens a transaction or ends one."""
    return bool(_entered(path) & OPENS or _attributes(path) & ENDS)


def _inexact_amounts(path: Path) -> list[int]:
    """The lines on which an amount in minor units is called a float."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.AnnAssign | ast.arg)
        and (name := node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)).endswith("_minor")
        and node.annotation is not None
        and not name.startswith("_")
        and "float" in ast.unparse(node.annotation)
    ]


def _meaningless(folder: Path) -> set[str]:
    """Modules and folders below whose names say nothing."""
    return {part for path in folder.rglob("*.py") for part in path.relative_to(folder).with_suffix("").parts} & BANNED


def _entered(path: Path) -> set[str]:
    """The methods whose answer a module enters with `async with`."""
    return {
        item.context_expr.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if isinstance(item.context_expr, ast.Call) and isinstance(item.context_expr.func, ast.Attribute)
    }


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_module_or_folder_has_a_name_that_says_nothing(folder):
    assert folder not in BANNED
    assert _meaningless(ROOT / folder) == set()


@pytest.mark.parametrize("name", ["shared/utils.py", "common/clock.py"])
def test_a_name_that_says_nothing_is_found(tmp_path, name):
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).touch()
    assert _meaningless(tmp_path)


def _says_something(path):
    """A sentence, not a word that only keeps the place."""
    return len((ast.get_docstring(ast.parse(path.read_text())) or "").split()) >= WORDS_MIN


def test_a_module_docstring_that_only_keeps_its_place_says_nothing(tmp_path):
    for text in ('"""Placeholder."""', '"""To do."""', "x = 1"):
        (tmp_path / "module.py").write_text(text)
        assert not _says_something(tmp_path / "module.py")


def test_every_shipped_module_says_what_it_is_for():
    without = [
        _label(path)
        for path in SHIPPED
        if "migrations" not in path.parts and path.stat().st_size and not _says_something(path)
    ]
    assert without == []


def test_amounts_in_minor_units_are_annotated_as_whole_numbers():
    assert [f"{_label(path)}:{line}" for path in SHIPPED for line in _inexact_amounts(path)] == []


def test_an_amount_that_is_a_float_is_found(tmp_path):
    (tmp_path / "m.py").write_text("total_minor: float = 0\ndef pay(*, tip_minor: float | None, fee_minor: int): ...\n")
    assert _inexact_amounts(tmp_path / "m.py") == [1, 2]


def test_no_handler_opens_or_ends_a_transaction():
    assert len(HANDLERS) > 20
    assert [_label(path) for path in HANDLERS if _decides_on_transactions(path)] == []


@pytest.mark.parametrize("line", ["async with database.begin() as uow: ...", "await connection.rollback()"])
def test_a_handler_that_decides_on_its_transaction_is_found(tmp_path, line):
    (tmp_path / "handlers.py").write_text(f"async def pay(database, connection):\n    {line}\n")
    assert _decides_on_transactions(tmp_path / "handlers.py")


def test_no_service_reads_the_environment_itself():
    assert [_label(path) for path in (ROOT / "svc").rglob("*.py") if _reads_the_environment(path)] == []


@pytest.mark.parametrize("line", ["os.environ['A']", "os.getenv('A')"])
def test_who_reads_the_environment_is_found(tmp_path, line):
    (tmp_path / "app.py").write_text(f"import os\n{line}\n")
    assert _reads_the_environment(tmp_path / "app.py")
