"""Inside a service: the rules are pure, and what comes in reads from the store but writes through a handler.

Who may import whom is held by the contracts in pyproject.toml; here stands what a contract cannot say.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import svc

ROOT = Path(svc.__file__).parent
SERVICES = sorted(path.parent.name for path in ROOT.glob("*/service.toml"))
PURE_LIBRARY = {
    "money", "ids", "errors", "clock", "state_machine", "currencies", "exchange_rates", "tax_classes", "back_off",
    "scopes", "availability",
}  # fmt: skip
WRITES = re.compile(
    r"\b(INSERT INTO|UPDATE \w+|DELETE FROM|TRUNCATE|MERGE INTO)\b|\b(insert|update|delete|pg_insert)\("
)
LOCKS = re.compile(r"FOR (NO KEY )?UPDATE\b( OF \w+| SKIP LOCKED| NOWAIT)*")


def _files(service: str, layer: str) -> list[Path]:
    folder = ROOT / service
    return [path for path in sorted(folder.rglob("*.py")) if layer in path.relative_to(folder).with_suffix("").parts]


def _imports(tree: ast.AST) -> Iterator[tuple[int, str, str, str]]:
    """(line, module, name, the name it has here)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "", alias.asname or alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield from ((node.lineno, module, alias.name, alias.asname or alias.name) for alias in node.names)


def _impure(tree: ast.AST, service: str) -> list[str]:
    def pure(module: str, name: str) -> bool:
        top, *rest = module.split(".")
        if top == "shared":
            return (rest or [name])[0] in PURE_LIBRARY
        if top == "svc":
            return rest[:1] == [service] and (rest[1:] or [name])[0] in {"domain", "pricing"}
        return top == "msgspec" or top in sys.stdlib_module_names

    return [f"{line}: {module} {name}".rstrip() for line, module, name, _ in _imports(tree) if not pure(module, name)]


def _writing(trees: list[ast.Module]) -> set[str]:
    """Names of the functions that write, by themselves, by a statement of their module or by one another."""
    writing: set[str] = set()
    bodies: dict[str, ast.AST] = {}
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                bodies[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                bodies |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    used = {name: {n.id for n in ast.walk(body) if isinstance(n, ast.Name)} for name, body in bodies.items()}
    found = {name for name, body in bodies.items() if WRITES.search(LOCKS.sub("", ast.unparse(body)))}
    while found - writing:
        writing |= found
        found = {name for name in bodies if used[name] & writing}
    return writing


def _writes_past_handlers(tree: ast.AST, service: str, writing: set[str]) -> list[str]:
    home = f"svc.{service}"
    stores, found = set(), []
    for line, module, name, here in _imports(tree):
        if module == home and name == "store":
            stores.add(here)
        elif module == f"{home}.store" or module.startswith(f"{home}.store."):
            stores.add(here)
            if name in writing or name.endswith("Repository"):
                found.append(f"{line}: {name}")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name) or node.value.id not in stores:
            continue
        if node.attr in writing or node.attr.endswith("Repository"):
            found.append(f"{node.lineno}: {node.value.id}.{node.attr}")
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_rules_import_only_what_is_pure(service):
    rules = [*_files(service, "domain"), *_files(service, "pricing")]
    assert rules or service == "gateway"
    assert [f"{path.name}:{what}" for path in rules for what in _impure(ast.parse(path.read_text()), service)] == []


@pytest.mark.parametrize("name", sorted(PURE_LIBRARY))
def test_what_rules_may_use_is_pure_itself(name):
    assert _impure(ast.parse((ROOT.parent / "shared" / f"{name}.py").read_text()), "none") == []


@pytest.mark.parametrize("service", SERVICES)
def test_what_comes_in_writes_through_handlers(service):
    writing = _writing([ast.parse(path.read_text()) for path in _files(service, "store")])
    assert writing or service == "gateway"
    edges = [path for layer in ("api", "consumers") for path in _files(service, layer)]
    assert edges
    found = {path.name: _writes_past_handlers(ast.parse(path.read_text()), service, writing) for path in edges}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "line",
    ["import asyncpg", "from shared import database", "from shared.database import Database", "from svc.a import store",
     "from svc.b.domain import Rule", "from litestar.params import Parameter"],
)  # fmt: skip
def test_an_impure_rule_is_found(line):
    assert len(_impure(ast.parse(line), "a")) == 1


def test_a_pure_rule_is_not():
    source = (
        "import re\nimport msgspec\nfrom shared import money\nfrom shared.ids import new_id\nfrom svc.a.domain import B"
    )
    assert _impure(ast.parse(source), "a") == []


def test_a_write_past_the_handlers_is_found():
    store = """
_PUT = "INSERT INTO things VALUES ($1)"
async def put(connection): await connection.execute(_PUT)
async def put_twice(connection): await put(connection)
async def locked(connection): return await connection.fetch("SELECT 1 FROM things FOR UPDATE OF things SKIP LOCKED")
async def drop(connection): await connection.execute("DELETE FROM things")
"""
    writing = _writing([ast.parse(store)])
    assert writing == {"_PUT", "put", "put_twice", "drop"}
    api = """
from svc.a import handlers, store
from svc.a.store import things as rows
from svc.a.store.things import drop, locked
async def show(): return await store.locked(1), await locked(1), await handlers.put(1)
async def change(): await store.put(1), await rows.put_twice(1)
"""
    assert _writes_past_handlers(ast.parse(api), "a", writing) == ["4: drop", "6: store.put", "6: rows.put_twice"]
