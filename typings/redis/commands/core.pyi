from collections.abc import Sequence
from typing import Any

class AsyncScript:
    async def __call__(
        self, keys: Sequence[str | bytes] | None = None, args: Sequence[str | bytes | float] | None = None
    ) -> Any: ...
