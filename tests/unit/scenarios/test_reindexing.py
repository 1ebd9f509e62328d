"""How the operator's rebuild of the index is followed."""

from typing import Any

import pytest

from compose.operator_error import OperatorError
from scenarios.reindexing import rebuild_index

pytestmark = pytest.mark.service("search")


def _build(status: str, documents: int = 0, expected: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": "b1", "status": status, "documents": documents, "expected": expected, "reason": None, **more}


class FakeFleet:
    """Answers each look with the next build, and the last one for ever."""

    def __init__(self, *builds: dict[str, Any]) -> None:
        self.builds = list(builds)

    async def call(self, service: str, method: str, path: str) -> dict[str, Any]:
        assert (service, path) == ("search", "/internal/reindex")
        if method == "POST":
            return _build("requested")
        return self.builds.pop(0) if len(self.builds) > 1 else self.builds[0]


async def _followed(*builds: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[int, int]]]:
    seen: list[tuple[int, int]] = []
    build = await rebuild_index(FakeFleet(*builds), lambda _what, done, total: seen.append((done, total)))  # type: ignore[arg-type]
    return build, seen


async def test_progress_is_told_and_is_full_only_at_the_end() -> None:
    build, seen = await _followed(
        _build("requested"), _build("running", 100, 250), _build("running", 250, 250), _build("completed", 248, 250)
    )
    assert seen == [(0, 1), (100, 250), (250, 251), (248, 248)]
    assert build["documents"] == 248


async def test_a_rebuild_that_failed_says_why_and_what_to_do() -> None:
    with pytest.raises(OperatorError, match="no room") as failed:
        await _followed(_build("failed", reason="no room"))
    assert "shopctl jobs list" in failed.value.mend


async def test_a_newer_rebuild_means_that_this_one_has_ended() -> None:
    build, _ = await _followed(_build("running"), _build("completed", 5, id="b2"))
    assert build["id"] == "b2"
