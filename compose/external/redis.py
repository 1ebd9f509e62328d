"""Whether a Redis or Valkey will do: its version, the commands of the shop, and that it takes writes."""

from typing import TYPE_CHECKING, Any, Final

from compose.external.findings import LOOK_SECONDS_MAX, Found, away, judged, missing_right, unfit, wrong_login
from compose.external.versions import parse

if TYPE_CHECKING:
    from redis.asyncio import Redis

VARIABLE: Final = "SHOPSTREAM_REDIS_URL"
PROBE_KEY: Final = "shopstream:look"
# what caches, locks, limits, queues and the registry do, in one script: write, hash, sorted set, list, expire, delete
PROBE: Final = """
redis.call('SET', KEYS[1], '1', 'PX', 1000); redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'a', '1'); redis.call('DEL', KEYS[1])
redis.call('ZADD', KEYS[1], 1, 'a'); redis.call('DEL', KEYS[1])
redis.call('RPUSH', KEYS[1], 'a'); redis.call('PEXPIRE', KEYS[1], 1000); redis.call('DEL', KEYS[1])
return redis.call('TIME')
"""


async def examine(url: str) -> Found:
    """Look at the server. Raises OperatorError `external.redis_…`: away, login, version, right, unfit."""
    from redis.asyncio import Redis  # noqa: PLC0415 -- 0.1 s to import
    from redis.exceptions import AuthenticationError, NoPermissionError, RedisError  # noqa: PLC0415 -- the same

    try:
        client: Redis = Redis.from_url(
            url, socket_timeout=LOOK_SECONDS_MAX, socket_connect_timeout=LOOK_SECONDS_MAX, decode_responses=True
        )
    except ValueError as error:
        raise away("redis", url, error) from error
    try:
        told = await client.info()
        kind = "valkey" if "valkey_version" in told else "redis"
        found = judged("redis", url, parse(str(told[f"{kind}_version"])), kind=kind, notes=_notes(told))
        await _refuse_missing_rights(client, url, told)
    except AuthenticationError as error:
        raise wrong_login("redis", url, str(error)) from error
    except NoPermissionError as error:
        raise missing_right("redis", url, f"do all it has to ({error})", grant=_grant(url)) from error
    except (RedisError, OSError, TimeoutError) as error:
        raise away("redis", url, error) from error
    finally:
        await client.aclose()
    return found


async def _refuse_missing_rights(client: "Redis", url: str, told: dict[str, Any]) -> None:
    from redis.exceptions import ResponseError  # noqa: PLC0415 -- 0.1 s to import

    if told.get("redis_mode") == "cluster":
        raise unfit(
            "redis", url, "is a cluster, whose scripts reach one slot only", mend=f"Name a single node: {VARIABLE}"
        )
    if told.get("role") == "slave":
        raise unfit("redis", url, "is a replica, which takes no writes", mend=f"Name its primary in {VARIABLE}.")
    try:
        await client.register_script(PROBE)(keys=[PROBE_KEY])
    except ResponseError as error:
        if "ACL failure" in str(error):
            raise missing_right("redis", url, f"do all it has to ({error})", grant=_grant(url)) from error
        raise


def _notes(told: dict[str, Any]) -> tuple[str, ...]:
    policy = str(told.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        return ()
    return (f"Redis evicts by {policy}: locks and jobs can vanish (CONFIG SET maxmemory-policy noeviction).",)


def _grant(url: str) -> str:
    from urllib.parse import urlsplit  # noqa: PLC0415 -- only here

    return f"ACL SETUSER {urlsplit(url).username or 'default'} on ~* &* +@all"
