"""Whether an Elasticsearch will do: its version, and the right to make, write and drop indexes."""

from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from compose.external.findings import LOOK_SECONDS_MAX, Found, away, judged, missing_right, unfit, wrong_login
from compose.external.versions import parse

if TYPE_CHECKING:
    import aiohttp

VARIABLE: Final = "SHOPSTREAM_ELASTICSEARCH_URL"
PROBE_INDEX: Final = "products-look"
UNAUTHORISED: Final = 401
FORBIDDEN: Final = 403
GRANT: Final = """PUT _security/role/shopstream {"cluster": ["monitor"], "indices": [{"names": ["products*"], \
"privileges": ["all"]}]}, and give the user that role"""
UNBLOCK: Final = """PUT _cluster/settings {"persistent": {"cluster.blocks.read_only": null}}"""


async def examine(url: str) -> Found:
    """Look at the cluster. Raises OperatorError `external.elasticsearch_…`: away, login, version, right, unfit."""
    import aiohttp  # noqa: PLC0415 -- 0.2 s to import

    timeout = aiohttp.ClientTimeout(total=LOOK_SECONDS_MAX)
    index = f"{url.rstrip('/')}/{PROBE_INDEX}-{uuid4().hex[:12]}"
    try:
        async with aiohttp.ClientSession(timeout=timeout) as http:
            told = await _ask(http, "GET", url, url)
            version: dict[str, Any] = told.get("version", {})
            if version.get("distribution", "elasticsearch") != "elasticsearch" or "number" not in version:
                what = f"is {version.get('distribution') or 'no Elasticsearch'}"
                raise unfit("elasticsearch", url, what, mend=f"Name an Elasticsearch 7.17 or 8: {VARIABLE}")
            found = judged("elasticsearch", url, parse(str(version["number"])))
            await _ask(http, "PUT", index, url, json={"settings": {"number_of_replicas": 0}})
            await _ask(http, "DELETE", index, url)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise away("elasticsearch", url, error) from error
    return found


async def _ask(http: "aiohttp.ClientSession", method: str, address: str, url: str, **options: Any) -> dict[str, Any]:
    async with http.request(method, address, **options) as answer:
        told: Any = await answer.json(content_type=None)
    if not isinstance(told, dict):
        raise ValueError("it answers with something else than JSON objects")  # noqa: TRY004 -- the world's, no bug's
    if answer.status < 300:
        return cast("dict[str, Any]", told)
    error: Any = cast("dict[str, Any]", told).get("error", {})
    details = cast("dict[str, Any]", error) if isinstance(error, dict) else {"reason": error}
    reason = str(details.get("reason"))
    if answer.status == UNAUTHORISED:
        raise wrong_login("elasticsearch", url, reason)
    if answer.status == FORBIDDEN and "cluster_block" in str(details.get("type")):
        raise missing_right("elasticsearch", url, f"change an index ({reason})", grant=UNBLOCK)
    if answer.status == FORBIDDEN:
        raise missing_right("elasticsearch", url, f"make and drop indexes ({reason})", grant=GRANT)
    raise unfit(
        "elasticsearch", url, f"answers {method} with {answer.status}, {reason}", mend="Mend that there, then again."
    )
