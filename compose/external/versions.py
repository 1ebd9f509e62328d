"""Which versions of each engine the fleet runs on: the one place, which the documentation repeats under a test."""

from typing import Final

import msgspec

Version = tuple[int, ...]


class Supported(msgspec.Struct, frozen=True, kw_only=True):
    """Versions from `oldest` to `newest`; a newer one is let in with a note. docs/engines.md tells which were seen."""

    title: str
    oldest: Version
    newest: Version
    words: str

    def refuses(self, version: Version) -> bool:
        return version < self.oldest

    def is_newer(self, version: Version) -> bool:
        return version[: len(self.newest)] > self.newest


SUPPORTED: Final = {
    "postgres": Supported(title="PostgreSQL", oldest=(15,), newest=(18,), words="15 to 18"),
    "redis": Supported(title="Redis", oldest=(7,), newest=(8,), words="7 or 8"),
    "valkey": Supported(title="Valkey", oldest=(7, 2), newest=(9,), words="7.2 to 9"),
    "kafka": Supported(title="Kafka", oldest=(3, 9), newest=(4,), words="3.9 to 4.x in KRaft mode"),
    "elasticsearch": Supported(title="Elasticsearch", oldest=(7, 17), newest=(8,), words="7.17 or 8"),
}


def parse(text: str) -> Version:
    """`15.18 (Debian 15.18-1)` as (15, 18)."""
    numbers: list[int] = []
    for part in text.split(" ", 1)[0].split("-", 1)[0].split("."):
        digits = "".join(char for char in part if char.isdigit())
        if not part[:1].isdigit():
            break
        numbers.append(int(digits))
    return tuple(numbers)
