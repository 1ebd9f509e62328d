"""Answers a search: by the engine, or by the catalog's plain look-up while the engine is away, and then says so."""

from typing import Any

import structlog

from shared import caller
from shared.circuit_breaker import CircuitBreaker, CircuitOpenError
from shared.errors import RemoteRefusal
from shared.pagination import InvalidCursor, decode_cursor, encode_cursor
from svc.search import querying
from svc.search.answers import CatalogFilter, Found, Suggestion, found_of
from svc.search.clients import Catalog, Engine, SearchEngineUnavailableError, SnapshotLostError
from svc.search.domain import CursorExpired, QueryInvalid, Sort, Wish
from svc.search.misses import Misses
from svc.search.querying import Body
from svc.search.snapshots import LIVE, Snapshot, Snapshots

log = structlog.get_logger(__name__)

CURSOR_VALUES: dict[Sort, Any] = {
    Sort.RELEVANCE: tuple[str, float, str, int],
    Sort.PRICE_ASC: tuple[str, int, str, int],
    Sort.PRICE_DESC: tuple[str, int, str, int],
    Sort.TITLE: tuple[str, str, str, int],
    Sort.POPULARITY: tuple[str, int, str, int],
}
"""The snapshot's name, what is sorted by, the product, and where in the snapshot it stands."""
LOOKUP_ORDER = "search:lookup"
AWAY = (SearchEngineUnavailableError, CircuitOpenError)


class Searcher:
    """Asks the engine behind a breaker, so that a dead one costs nobody a wait."""

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        breaker: CircuitBreaker,
        snapshots: Snapshots,
        misses: Misses,
        *,
        index: str,
        timeout_s: float,
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._breaker = breaker
        self._snapshots = snapshots
        self._misses = misses
        self._index = index
        self._timeout_s = timeout_s

    async def search(self, wish: Wish, cursor: str | None, *, limit: int) -> Found:
        """One page, all pages of a list from one snapshot, or all from the catalog.

        Raises `InvalidCursor`, `CursorExpired`, `QueryInvalid`, what `_next_page` raises while the engine is away, and
        what the catalog raises when that is away as well.
        """
        if cursor is not None:
            go_on = self._look_up if _is_lookup(cursor) else self._next_page
            return await go_on(wish, cursor, limit=limit)
        try:
            found = await self._first_page(wish, limit=limit)
        except AWAY as error:
            log.warning("search_degraded", error=str(error)[:200])
            return await self._look_up(wish, None, limit=limit)
        if not found.total and wish.terms and not wish.is_filtered:
            self._misses.count(wish.terms)
        return found

    async def suggest(self, text: str, *, limit: int) -> list[Suggestion]:
        """Titles that begin so; none while the engine is away."""
        try:
            answer = await self._ask(querying.suggest_body(text, size=limit), LIVE)
        except AWAY as error:
            log.warning("suggest_degraded", error=str(error)[:200])
            return []
        return [Suggestion(hit["_source"]["title"], hit["_source"]["slug"]) for hit in answer["hits"]["hits"]]

    async def _first_page(self, wish: Wish, *, limit: int) -> Found:
        """A snapshot that is lost (the index was rebuilt, the engine restarted) is replaced once."""
        body = querying.search_body(wish, after=None, size=limit + 1)
        try:
            snapshot, answer = await self._ask_latest(body)
        except SnapshotLostError:
            try:
                snapshot, answer = await self._ask_latest(body)
            except SnapshotLostError as error:
                raise SearchEngineUnavailableError(str(error)) from error
        return found_of(answer, wish, snapshot.name, limit=limit)

    async def _next_page(self, wish: Wish, cursor: str, *, limit: int) -> Found:
        """What follows in the cursor's snapshot, which the catalog does not know: no other page stands for it.

        Raises `SearchEngineUnavailableError` or `CircuitOpenError` while the engine is away; the cursor stays good.
        """
        name, *after = decode_cursor(cursor, wish.order, CURSOR_VALUES[wish.sort])
        snapshot = await self._snapshots.named(name)
        if snapshot == LIVE:
            after.pop()
        try:
            answer = await self._ask(querying.search_body(wish, after=after, size=limit + 1), snapshot)
        except SnapshotLostError as error:
            raise CursorExpired("the list has changed meanwhile; begin again without a cursor") from error
        return found_of(answer, wish, snapshot.name, limit=limit)

    async def _ask_latest(self, body: Body) -> tuple[Snapshot, Body]:
        async with self._breaker.guard(caller=caller.current()):
            snapshot = await self._snapshots.latest(timeout_s=self._timeout_s)
            try:
                return snapshot, await self._search(body, snapshot)
            except SnapshotLostError:
                self._snapshots.forget(snapshot)
                raise

    async def _ask(self, body: Body, snapshot: Snapshot) -> Body:
        async with self._breaker.guard(caller=caller.current()):
            return await self._search(body, snapshot)

    async def _search(self, body: Body, snapshot: Snapshot) -> Body:
        return await self._engine.search(self._index, body, timeout_s=self._timeout_s, snapshot=snapshot.view)

    async def _look_up(self, wish: Wish, cursor: str | None, *, limit: int) -> Found:
        """The catalog knows words and categories; all else is compared here, within the page."""
        theirs = decode_cursor(cursor, LOOKUP_ORDER, tuple[str])[0] if cursor else None
        try:
            page = await self._catalog.look_up(wish, theirs, limit=limit)
        except RemoteRefusal as refusal:  # of what the caller sent, which is passed on as it is
            if refusal.code == InvalidCursor.code:
                raise InvalidCursor("the cursor is not valid") from refusal
            raise QueryInvalid("this cannot be searched for") from refusal
        return Found(
            hits=CatalogFilter(wish, page.availability).hits(page.documents),
            total=None,
            next_cursor=encode_cursor(LOOKUP_ORDER, [page.next_cursor]) if page.next_cursor else None,
            degraded=True,
        )


def _is_lookup(cursor: str) -> bool:
    """Whether the page before was answered by the catalog; its cursor fits nothing else."""
    try:
        decode_cursor(cursor, LOOKUP_ORDER, tuple[str])
    except InvalidCursor:
        return False
    return True
