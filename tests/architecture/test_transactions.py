"""No remote call is made inside a transaction: what is called there waits while rows are locked."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import shared
import svc

ROOTS = (Path(svc.__file__).parent, Path(shared.__file__).parent)
OPENED_BY = {"begin", "begin_orm", "transaction"}
HANDED = {"UnitOfWork", "OrmUnitOfWork", "Connection"}
REMOTE = {
    "Redis", "RedisGate", "Cache", "JobQueue", "ServiceClient", "PartnerClient", "Psp", "HttpPsp", "Carrier",
    "HttpCarrier", "Engine", "Catalog", "CatalogClient", "ShippingRates", "ShippingClient", "Warehouse",
    "WarehouseClient", "Inventory", "InventoryClient", "MailServer", "SmtpServer", "Shelf", "Producer",
}  # fmt: skip
"""Types every method of which may go over the network; what is built on them is found."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = Mapping[str, set[str]]
"""An expression → the names in its type."""
Classes = Mapping[str, set[str]]
"""Class → the methods of it that go over the network."""


def _names(annotation: ast.expr | None) -> set[str]:
    return {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)} if annotation else set()


def _parameters(function: Function) -> dict[str, set[str]]:
    arguments = (*function.args.args, *function.args.kwonlyargs)
    return {a.arg: _names(a.annotation) for a in arguments if a.annotation}


def _methods(cls: ast.ClassDef) -> list[Function]:
    return [node for node in cls.body if isinstance(node, Function)]


def _attributes(cls: ast.ClassDef) -> dict[str, set[str]]:
    """`self.name` → the names in its type: declared in the class, or taken from a parameter of its beginning."""
    found = {
        f"self.{node.target.id}": _names(node.annotation)
        for node in cls.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    for function in (one for one in _methods(cls) if one.name == "__init__"):
        parameters = _parameters(function)
        for node in (node for node in ast.walk(function) if isinstance(node, ast.Assign | ast.AnnAssign)):
            value = ast.unparse(node.value) if node.value else ""
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            declared = node.annotation if isinstance(node, ast.AnnAssign) else None
            types = parameters.get(value, set()) | _names(declared)
            found |= {ast.unparse(target): types for target in targets}
    return found


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it but what belongs to functions within."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function):
            yield from _own(child)


def _waits(body: ast.AST) -> Iterator[tuple[int, ast.expr]]:
    """Line and expression of all that a coroutine waits for."""
    for node in _own(body):
        if isinstance(node, ast.Await):
            yield node.lineno, node.value
        elif isinstance(node, ast.AsyncWith):
            yield from ((node.lineno, item.context_expr) for item in node.items)
        elif isinstance(node, ast.AsyncFor):
            yield node.lineno, node.iter


def _is_remote(expression: ast.expr, scope: Scope, classes: Classes) -> bool:
    """Whether it touches something remote, or a method that does of something built on it."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Name | ast.Attribute) and scope.get(ast.unparse(node), set()) & REMOTE:
            return True
        if isinstance(node, ast.Attribute):
            owners = scope.get(ast.unparse(node.value), set()) & classes.keys()
            if any(node.attr in classes[owner] for owner in owners):
                return True
    return False


def _remote_methods(trees: list[ast.Module]) -> Classes:
    """What of the classes goes over the network, by itself or by what it is built on."""
    found: dict[str, set[str]] = {}
    definitions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    before = -1
    while before != (before := sum(map(len, found.values()))):
        for cls in definitions:
            scope = {"self": {cls.name}} | _attributes(cls)
            for method in _methods(cls):
                if any(_is_remote(wait, scope | _parameters(method), found) for _, wait in _waits(method)):
                    found.setdefault(cls.name, set()).add(method.name)
    return found


def _opens(node: ast.AST) -> bool:
    if not isinstance(node, ast.AsyncWith):
        return False
    calls = (item.context_expr for item in node.items)
    return any(isinstance(call, ast.Call) and getattr(call.func, "attr", "") in OPENED_BY for call in calls)


def _remote_calls(tree: ast.AST, classes: Classes, scope: Scope | None = None) -> Iterator[tuple[int, str]]:
    """(line, function) of remote calls within a transaction, and of functions that are handed both of them."""
    scope = scope or {}
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _remote_calls(node, classes, {**scope, "self": {node.name}, **_attributes(node)})
        elif isinstance(node, Function):
            parameters = _parameters(node)
            inner = {**scope, **parameters}
            is_handed = any(isinstance(a.annotation, ast.Name) and a.annotation.id in HANDED for a in node.args.args)
            if is_handed and any(types & REMOTE for types in parameters.values()):
                yield node.lineno, node.name
            blocks = [node] if is_handed else [block for block in _own(node) if _opens(block)]
            for block in blocks:
                for part in block.body:
                    yield from ((line, node.name) for line, wait in _waits(part) if _is_remote(wait, inner, classes))
            yield from _remote_calls(node, classes, inner)
        else:
            yield from _remote_calls(node, classes, scope)


def test_no_remote_side_is_called_inside_a_transaction():
    trees = {path: ast.parse(path.read_text()) for root in ROOTS for path in sorted(root.rglob("*.py"))}
    classes = _remote_methods(list(trees.values()))
    found = {
        f"{path.parent.name}/{path.name}:{line} {name}"
        for path, tree in trees.items()
        for line, name in _remote_calls(tree, classes)
    }
    assert found == set()


def test_the_guard_sees_a_remote_call():
    source = """
async def announce(uow: UnitOfWork, redis: Redis) -> None: ...

async def job(database: Database, psp: NamedDependency[Psp]) -> None:
    await psp.find()
    async with database.begin() as uow:
        await psp.charge()

def announcer(database: Database, redis: Redis) -> Periodic:
    async def run() -> int:
        await redis.ping()
        async with database.acquire() as connection, connection.transaction():
            async with redis.pipeline() as pipeline:
                await pipeline.execute()

class Desk:
    def __init__(self, database: Database, client: ServiceClient | None) -> None:
        self._client = client

    async def ask(self) -> None:
        await self._client.request()

    async def look(self) -> None:
        async with self._database.begin() as uow:
            await self.store()

    async def serve(self) -> None:
        async with self._database.begin_orm() as uow:
            await self.ask()

    async def handle(self, uow: UnitOfWork) -> None:
        await self._client.request()

class House:
    desk: Desk

    async def open(self, uow: UnitOfWork) -> None:
        await self.desk.look()
        await self.desk.ask()
"""
    tree = ast.parse(source)
    assert list(_remote_calls(tree, _remote_methods([tree]))) == [
        (2, "announce"),
        (7, "job"),
        (13, "run"),
        (29, "serve"),
        (32, "handle"),
        (39, "open"),
    ]
