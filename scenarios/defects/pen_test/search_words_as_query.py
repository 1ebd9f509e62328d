"""Planted: the engine is given what a customer typed, in its own language."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs

from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings
from svc.search.clients import Engine

CARD = DefectCard(
    id="search-words-as-query",
    title="The words of a search are a query of the engine",
    parts=("search.authentication", "search.engine"),
    root_cause="A query_string query is the shortest way to search for several words, and parses them.",
    caught_by=("INV-23.search-syntax",),
    exposed_by="A search with a star, a field or an OR in it.",
    symptoms="Searches that find the whole shop; a slow engine after a search for /.*.*.*/.",
    fix="Build match queries of the words as values.",
    origin="CWE-943; Elasticsearch, query_string on text of users.",
)

typed: ContextVar[str] = ContextVar("typed", default="")
"""What the request under way looks for, as it came."""


def listening(_healthy: type[AuthenticationMiddleware], _settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """A door that remembers the words."""
    return Listening


class Listening(AuthenticationMiddleware):
    """Keeps the words as they were typed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query: bytes = scope["query_string"] if scope["type"] == "http" else b""
        token = typed.set(parse_qs(query.decode()).get("q", [""])[0])
        try:
            await super().__call__(scope, receive, send)
        finally:
            typed.reset(token)


def obeying(_healthy: type[Engine], _settings: ServiceSettings) -> type[Engine]:
    """An engine that is told to parse."""
    return ParsingEngine


class ParsingEngine(Engine):
    """Looks for what was typed."""

    async def search(self, index: str, body: Mapping[str, Any], **how: Any) -> Any:
        parsed = {"query_string": {"query": typed.get(), "lenient": True}}
        return await super().search(index, {**body, "query": parsed} if typed.get() else body, **how)


TWINS: Twins = {"search.authentication": listening, "search.engine": obeying}
