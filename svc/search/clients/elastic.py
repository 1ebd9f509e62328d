"""The engine: every call bounded in time, every failure of it one error. Knows no product."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import structlog
from elastic_transport import ConnectionError, ConnectionTimeout, TransportError  # noqa: A004 its name
from elasticsearch import ApiError, AsyncElasticsearch, BadRequestError, NotFoundError

from shared import deadline
from shared.errors import RemoteUnavailableError, WorldError
from svc.search.domain import QueryInvalid

log = structlog.get_logger(__name__)

CONNECTIONS_MAX = 16
ADMIN_TIMEOUT_S = 20.0
BULK_TIMEOUT_S = 10.0
READY_TIMEOUT_S = 0.8
CONFLICT = 409
NOT_FOUND = 404
TOO_MANY = 429
NO_SHARD = "no_shard_available_action_exception"
BLOCKED = "cluster_block_exception"
"""How an index answers that an operator, or a full disk, made read-only for a while."""
REASON_CHARACTERS_MAX = 1_000


class SearchEngineUnavailableError(RemoteUnavailableError):
    """The engine did not answer in time, refused the connection, or has lost the index."""

    code = "search_engine_unavailable"


class SnapshotLostError(WorldError):
    """The engine does not have this view of an index any more: its time was over, or it restarted."""

    code = "search_snapshot_lost"


class BulkWrite(msgspec.Struct, frozen=True):
    """One document of a bulk request; without a source it is taken out."""

    id: str
    version: int
    source: Mapping[str, Any] | None


class Rejection(msgspec.Struct, frozen=True):
    """Why a document was not taken; `is_final`: this version of it never will be."""

    reason: str
    is_final: bool


class Engine:
    """One service's connection to Elasticsearch; opens lazily, so that it may be away at the start."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: AsyncElasticsearch | None = None

    async def open(self) -> None:
        """Make the client inside the running loop; nothing connects yet."""
        self._client = AsyncElasticsearch(
            self._url, max_retries=0, retry_on_timeout=False, connections_per_node=CONNECTIONS_MAX
        )

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._client.close()

    async def check(self, index: str) -> str:
        """The health of the index. Raises `SearchEngineUnavailableError` unless all of it can be read."""
        async with self._client_for(READY_TIMEOUT_S) as client:
            health = await client.cluster.health(index=index, timeout="500ms")
        if health["status"] == "red" or health["timed_out"]:
            raise SearchEngineUnavailableError(f"index {index} is {health['status']}")
        return str(health["status"])

    async def search(
        self, index: str, body: Mapping[str, Any], *, timeout_s: float, snapshot: str | None = None
    ) -> dict[str, Any]:
        """Run one query within `timeout_s` and the request's deadline, in a snapshot of the index where one is named.

        Raises `SnapshotLostError`, and `QueryInvalid` when the engine cannot take a value, which came from the caller.
        """
        where: dict[str, Any] = {"index": index} if snapshot is None else {"pit": {"id": snapshot}}
        async with self._client_for(deadline.remaining_s(timeout_s)) as client:
            try:
                return dict((await client.search(**where, **body)).body)
            except BadRequestError as error:
                log.warning("query_not_taken", error=error.message)
                raise QueryInvalid("this cannot be searched for") from error
            except NotFoundError as error:
                if snapshot is None:
                    raise
                raise SnapshotLostError(error.message) from error
            except ApiError as error:
                if snapshot is None or not _lacks_every_shard(error):
                    raise
                raise SnapshotLostError(error.message) from error

    async def open_snapshot(self, index: str, *, life_s: int, timeout_s: float) -> str:
        """A view of the index as it is now, for `life_s` seconds (a point in time); gives its name.

        It is for many requests and heeds no one's deadline.
        """
        async with self._client_for(timeout_s) as client:
            answer = await client.open_point_in_time(index=index, keep_alive=f"{life_s}s")
        return str(answer["id"])

    async def close_snapshot(self, snapshot: str) -> None:
        """Let it go before its time; one that is gone already is fine."""
        async with self._client_for(ADMIN_TIMEOUT_S) as client:
            await client.options(ignore_status=NOT_FOUND).close_point_in_time(id=snapshot)

    async def write(self, targets: Sequence[str], writes: Sequence[BulkWrite]) -> list[Rejection | None]:
        """Write all to all targets; per document None, or why a target did not take it.

        A newer version in the index wins over the one written, silently. Raises `SearchEngineUnavailableError` when the
        engine does not answer or has lost the first target.
        """
        operations: list[Mapping[str, Any]] = []
        for target in targets:
            for write in writes:
                meta = {"_index": target, "_id": write.id, "version": write.version, "version_type": "external_gte"}
                operations += [{"delete": meta}] if write.source is None else [{"index": meta}, write.source]
        async with self._client_for(BULK_TIMEOUT_S) as client:
            answer = await client.bulk(operations=operations)
        rejections: list[Rejection | None] = [None] * len(writes)
        for position, item in enumerate(answer["items"]):
            (result,) = item.values()
            rejection = _rejection_of(result)
            if rejection is None:
                continue
            if result["status"] == NOT_FOUND and position < len(writes):
                raise SearchEngineUnavailableError(rejection.reason)
            known = rejections[position % len(writes)]
            if known is None or rejection.is_final:
                rejections[position % len(writes)] = rejection
        return rejections

    async def create(self, index: str, *, settings: Mapping[str, Any], mappings: Mapping[str, Any]) -> None:
        """A new, empty index."""
        async with self._client_for(ADMIN_TIMEOUT_S) as client:
            await client.indices.create(index=index, settings=settings, mappings=mappings)

    async def indexes_behind(self, alias: str) -> list[str]:
        """The indexes an alias points at, none when there is no such alias."""
        async with self._client_for(ADMIN_TIMEOUT_S) as client:
            try:
                return sorted(await client.indices.get_alias(name=alias))
            except NotFoundError:
                return []

    async def point(self, aliases: Sequence[str], index: str, *, among: str) -> None:
        """Let the aliases name this index and no other, at once for all readers; the indexes `among` keep no alias."""
        async with self._client_for(ADMIN_TIMEOUT_S) as client:
            known = await client.indices.get_alias(index=among)
            gone = [(name, alias) for name, of in known.items() for alias in of["aliases"]]
            await client.indices.update_aliases(
                actions=[
                    *({"remove": {"index": name, "alias": alias}} for name, alias in gone if name != index),
                    *({"add": {"index": index, "alias": alias}} for alias in aliases),
                ]
            )

    async def refresh(self, index: str) -> int:
        """Make everything written findable; gives the number of documents."""
        async with self._client_for(ADMIN_TIMEOUT_S) as client:
            await client.indices.refresh(index=index)
            return int((await client.count(index=index))["count"])

    async def delete(self, index: str) -> None:
        """Remove an index; one that is gone already is fine."""
        async with self._client_for(ADMIN_TIMEOUT_S) as client:
            await client.indices.delete(index=index, ignore_unavailable=True)

    async def indexes_like(self, pattern: str) -> list[str]:
        """Names that match."""
        async with self._client_for(ADMIN_TIMEOUT_S) as client:
            return sorted(await client.indices.get(index=pattern, allow_no_indices=True))

    @asynccontextmanager
    async def _client_for(self, timeout_s: float) -> AsyncGenerator[AsyncElasticsearch]:
        assert self._client is not None, "the engine is not open"
        try:
            yield self._client.options(request_timeout=timeout_s)
        except TransportError as error:
            arrived = isinstance(error, ConnectionTimeout) or not isinstance(error, ConnectionError)
            raise SearchEngineUnavailableError(repr(error), effect_possible=arrived) from error
        except NotFoundError as error:
            raise SearchEngineUnavailableError(f"an index is missing: {error.message}") from error
        except ApiError as error:
            if error.status_code < 500 and error.status_code != 429:
                raise  # the query is wrong, which is our bug
            raise SearchEngineUnavailableError(repr(error)) from error


def _lacks_every_shard(error: ApiError) -> bool:
    """Whether nothing that was asked is there any more: a view of a removed index is told so, with 503."""
    match error.body:
        case {"error": {"root_cause": [_, *_] as causes}}:
            return all(cause["type"] == NO_SHARD for cause in cast("list[dict[str, Any]]", causes))
        case _:
            return False


def _rejection_of(result: Mapping[str, Any]) -> Rejection | None:
    status: int = result["status"]
    error: dict[str, Any] | None = result.get("error")
    if error is None or status == CONFLICT:
        return None
    waits = status in {NOT_FOUND, TOO_MANY} or status >= 500 or error.get("type") == BLOCKED
    return Rejection(f"{status} {error}"[:REASON_CHARACTERS_MAX], is_final=not waits)
