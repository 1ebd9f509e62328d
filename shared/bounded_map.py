"""A map with a bound: the least recently written entry leaves when a new one needs its place.

For caches of things that expire on their own; reads do not reorder, which keeps them one dictionary look-up.
"""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedMap(Generic[K, V]):
    """At most `entries_max` entries. Invariant: len() never exceeds it."""

    __slots__ = ("_entries", "entries_max", "get")

    def __init__(self, entries_max: int) -> None:
        if entries_max < 1:
            raise ValueError("a bounded map holds at least one entry")
        self.entries_max = entries_max
        self._entries: dict[K, V] = {}
        self.get = self._entries.get  # the dictionary's own method: this is on every request's path

    def put(self, key: K, value: V) -> None:
        """Store a value as the newest, evicting the oldest when full."""
        entries = self._entries
        entries.pop(key, None)
        if len(entries) >= self.entries_max:
            del entries[next(iter(entries))]
        entries[key] = value

    def pop(self, key: K) -> V | None:
        """Remove and return an entry, or None."""
        return self._entries.pop(key, None)

    def clear(self) -> None:
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries
