"""A rebuild of the search index, asked for by the operator and followed to its end."""

from collections.abc import Callable
from typing import Final

from compose.operator_error import OperatorError
from scenarios.faults.fault import until
from scenarios.fleet import Fleet, Json

REBUILD_S_MAX: Final = 300.0
COMPLETED: Final = "completed"
FAILED: Final = "failed"
PATH: Final = "/internal/reindex"

Report = Callable[[str, int, int], None]
"""What, how many are done, of how many."""


def unseen(what: str, done: int, total: int) -> None:
    """Nobody watches."""
    del what, done, total


async def rebuild_index(fleet: Fleet, report: Report = unseen) -> Json:
    """Rebuild the index, or follow the rebuild that is under way; gives the completed build.

    Raises OperatorError (rebuild.failed).
    """
    begun = await fleet.call("search", "POST", PATH)
    build = begun

    async def ended() -> bool:
        nonlocal build
        build = await fleet.call("search", "GET", PATH)
        # what a rebuild counts at its end is what the index holds, whatever was expected of it
        done, total = build["documents"], build["documents"]
        if build["status"] != COMPLETED:
            total = max(build["expected"], done + 1)
        report("documents", done, total)
        # one is open at a time: where the newest is another, the one that was begun has ended
        return build["id"] != begun["id"] or build["status"] in {COMPLETED, FAILED}

    in_time = await until(ended, deadline_s=REBUILD_S_MAX)
    if not in_time or build["status"] == FAILED:
        raise OperatorError(
            "rebuild.failed",
            f"The index could not be rebuilt: {build['reason'] or 'it takes too long'}.",
            mend="Look with: shopctl logs search, shopctl jobs list.",
        )
    return build
