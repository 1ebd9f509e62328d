"""No remote call is made inside a transaction: what is called there waits while rows are locked."""

import ast
from collections.abc import Iterator
from pathlib import Path

import svc

ROOT = Path(svc.__file__).parent
UNITS = {"UnitOfWork", "OrmUnitOfWork"}
REMOTE = {
    "Redis", "Cache", "ServiceClient", "PartnerClient", "Psp", "HttpPsp", "Carrier", "HttpCarrier", "Engine", "Catalog",
    "CatalogClient", "Inventory", "Shipping", "Mailer", "Shelf", "Producer",
}  # fmt: skip


def _names(annotation: ast.expr | None) -> set[str]:
    return {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)} if annotation else set()


def _parameters(function: ast.AsyncFunctionDef) -> dict[str, set[str]]:
    return {a.arg: _names(a.annotation) for a in (*function.args.args, *function.args.kwonlyargs)}


def _opens(node: ast.AsyncWith) -> bool:
    calls = (item.context_expr for item in node.items)
    return any(isinstance(c, ast.Call) and getattr(c.func, "attr", "") in {"begin", "begin_orm"} for c in calls)


def _remote_calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, what) of functions that are handed a transaction and a remote side, and of remote calls within one."""
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)):
        parameters = _parameters(function)
        remote = {name for name, types in parameters.items() if types & REMOTE}
        handed = any(isinstance(a.annotation, ast.Name) and a.annotation.id in UNITS for a in function.args.args)
        if remote and handed:
            yield function.lineno, function.name
        blocks = (node for node in ast.walk(function) if isinstance(node, ast.AsyncWith) and _opens(node))
        for awaited in (node for block in blocks for part in block.body for node in ast.walk(part)):
            if isinstance(awaited, ast.Await) and remote & {n.id for n in ast.walk(awaited) if isinstance(n, ast.Name)}:
                yield awaited.lineno, function.name


def test_no_remote_side_is_called_inside_a_transaction():
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in sorted(ROOT.rglob("*.py"))
        for line, name in _remote_calls(ast.parse(path.read_text()))
    ]
    assert found == []


def test_the_guard_sees_a_remote_call():
    source = """
async def announce(uow: UnitOfWork, redis: Redis) -> None: ...

async def job(database: Database, psp: NamedDependency[Psp]) -> None:
    await psp.find()
    async with database.begin() as uow:
        await psp.charge()
"""
    assert list(_remote_calls(ast.parse(source))) == [(2, "announce"), (7, "job")]
