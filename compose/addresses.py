"""Where the engines of a stack listen, whoever started them: on this machine by default, elsewhere when told so."""

from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from compose.layout import Layout
from compose.ports import LOOPBACK
from compose.secrets_file import Secrets

PORTS: Final = {"postgresql": 5432, "postgres": 5432, "redis": 6379, "rediss": 6379, "http": 80, "https": 443}
"""What a URL without a port means."""


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """The URL of each engine; PostgreSQL's with the role that makes databases, Kafka's as host:port,host:port.

    `world` and `gateway` are hosts, `smtp` is the mail server's URL where it is not the world's, `bind` is
    where services listen.
    """

    postgres: str
    redis: str
    kafka: str
    elasticsearch: str
    world: str = LOOPBACK
    gateway: str = LOOPBACK
    smtp: str = ""
    bind: str = LOOPBACK

    def database(self, name: str, *, user: str, password: str) -> str:
        """Another database of the same server for another role; no password, none in the URL."""
        parts = urlsplit(self.postgres)
        who = f"{user}:{password}" if password else user
        return parts._replace(netloc=f"{who}@{_host_and_port(parts)}", path=f"/{name}").geturl()

    def where(self, engine: str) -> str:
        """host:port of an engine, of the first broker where there are several."""
        url: str = getattr(self, engine)
        return place_of(url)


def local(layout: Layout, secrets: Secrets) -> Addresses:
    """The engines that the stack starts itself."""

    def at(name: str) -> str:
        return f"{LOOPBACK}:{layout.port(name)}"

    return Addresses(
        postgres=f"postgresql://postgres:{secrets.superuser_password}@{at('postgres')}/postgres",
        redis=f"redis://{at('redis')}/0",
        kafka=at("kafka"),
        elasticsearch=f"http://{at('elasticsearch')}",
    )


def place_of(url: str) -> str:
    """host:port of a URL or of the first of several host:port, without who may log in there."""
    first = url.split(",", maxsplit=1)[0]
    return _host_and_port(urlsplit(first if "://" in first else f"kafka://{first}"))


def _host_and_port(parts: SplitResult) -> str:
    host = parts.hostname or ""
    port = parts.port or PORTS.get(parts.scheme, 9092)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
