"""A service is the same files ten times; what a service has beyond them is named here with its reason."""

from pathlib import Path

import pytest

import svc
from tests.support.apps import SERVICES, WITH_DATABASE, consumed

ROOT = Path(svc.__file__).parent
EVERYWHERE = {"__init__", "__main__", "app", "settings", "parts", "api"}
WITH_ROWS = {"handlers", "domain", "store", "migrations"}
ROLES = EVERYWHERE | WITH_ROWS | {"consumers", "jobs", "clients"}

# service → {file or folder: why it is none of the roles}
FOREIGN = {
    "gateway": {
        "access_log": "one line per request, written in batches",
        "api_keys": "whom an API key speaks for",
        "answers": "the gateway answers from plain ASGI, before any framework",
        "arrival": "what one look over the headers tells",
        "bodies": "bodies are bounded while they stream",
        "contract": "the merged OpenAPI document of the fleet",
        "cors": "browsers ask only the gateway",
        "edge": "the first thing every request meets, in place of handlers",
        "fleet": "the state of the services behind it",
        "headers": "which headers go through, both ways",
        "limits": "rate limits per route class",
        "rate_limit": "what a limit is, what a hit is told, and the refusal",
        "paths": "which request targets are let in",
        "process_limits": "sockets for a crowd",
        "proxy": "the way to an upstream",
        "revocations": "sessions that ended before their tokens",
        "routes": "the route table, in place of a domain",
        "upstreams": "the choice of an instance",
        "user_tokens": "verification of users' tokens",
        "watchers": "background refresh of keys and revocations",
    },
    "auth": {
        "common_passwords": "what attackers try first",
        "keys": "the ring of signing keys",
        "sealed_secrets": "secrets at rest",
        "second_factors": "codes of authenticator apps",
        "passwords": "hashing off the event loop",
        "tokens": "access tokens",
    },
    "catalog": {
        "feeding": "a streamed feed in portions, each its own transaction",
        "shelf": "the cached side of reading products",
        "views": "looks at pages, counted in Redis",
    },
    "inventory": {"batcher": "micro-batches of waiting buyers"},
    "orders": {
        "batches": "the order in which the orders of a batch are locked",
        "pricing": "pure rules of a size of their own",
        "invoicing": "an order on paper",
        "templates": "what an invoice looks like",
        "cancelling": "an order undone by what shipping answers, for requests and the saga",
        "placing": "the orchestration of an order between its handlers and clients",
        "views": "what an order looks like from outside",
    },
    "search": {
        "answers": "what was found, out of the engine's answer or the catalog's page",
        "index_definition": "mapping and analyzers",
        "indexing": "documents on their way into the index",
        "misses": "words that found nothing, counted beside the requests",
        "querying": "bounded queries made from words and filters",
        "rebuilding": "a new index behind the alias",
        "searching": "the read side and its degraded answer",
        "snapshots": "views of the index that pages are cut from",
    },
    "notifications": {
        "letters": "templates rendered to messages",
        "previewing": "templates rendered with samples",
        "telling": "sellers' endpoints told beside the mails, so that a slow one holds up none",
        "templates": "what the letters say",
    },
}


def _names(folder: Path) -> set[str]:
    found = {path.stem for path in folder.iterdir() if path.suffix == ".py"}
    return found | {path.name for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"}


def _misplaced(folder: Path, *, roles: set[str], foreign: set[str]) -> set[str]:
    """Roles that are absent, files that are no role and have no reason, and reasons of files that are not."""
    names = _names(folder)
    return (roles - names) | ((names - ROLES) ^ foreign)


def _twice(folder: Path) -> list[str]:
    """Roles that are a file and a package."""
    return [name for name in _names(folder) if (folder / name).is_dir() and (folder / f"{name}.py").exists()]


def test_the_services_are_those_of_the_stack():
    assert {path.parent.name for path in ROOT.glob("*/app.py")} == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_common_roles_and_no_foreign_file_without_a_reason(service):
    required = EVERYWHERE | (WITH_ROWS if service in WITH_DATABASE else set())
    assert _misplaced(ROOT / service, roles=required, foreign=set(FOREIGN.get(service, {}))) == set()


def test_what_is_absent_foreign_or_there_twice_is_found(tmp_path):
    for name in ("__init__.py", "__main__.py", "app.py", "settings.py", "parts.py", "api.py", "odd.py"):
        (tmp_path / name).touch()
    assert _misplaced(tmp_path, roles=EVERYWHERE, foreign={"odd"}) == set()
    assert _misplaced(tmp_path, roles=EVERYWHERE | {"store"}, foreign={"gone"}) == {"store", "odd", "gone"}
    (tmp_path / "api").mkdir()
    assert _twice(tmp_path) == ["api"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_consumers_exactly_when_it_consumes(service):
    assert ("consumers" in _names(ROOT / service)) == bool(consumed(service))


@pytest.mark.parametrize("service", SERVICES)
def test_a_role_is_either_a_file_or_a_package_never_both(service):
    assert _twice(ROOT / service) == []
