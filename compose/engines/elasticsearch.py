"""Elasticsearch 7.17 as one node on loopback: its published libraries under a small main of ours."""

import asyncio
import json
from typing import Final

from compose import http_probe
from compose.engines import cds, jars, java
from compose.engines.engine import Context, NotReadyError, claim_data, minimal_environ
from compose.process import Command, Process

PROBE_SECONDS_MAX: Final = 4.0
MAIN: Final = "ShopElasticsearch"
JVM_FLAGS: Final = (
    *java.SMALL_JVM,
    "-Xms40m",  # with 2,000 products the old generation holds 27 MB
    "-Xmx256m",
    "-Xmn12m",
    "-Dlog4j2.formatMsgNoLookups=true",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
    "-Djna.nosys=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dio.netty.allocator.numDirectArenas=0",
)
LOGGING: Final = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


class Elasticsearch:
    """The search engine behind the search service."""

    name: str = "elasticsearch"
    ports: tuple[str, ...] = ("elasticsearch", "elasticsearch-transport")
    ready_seconds_max: float = 120.0

    def __init__(self, context: Context) -> None:
        self._context = context
        self._port = context.layout.port("elasticsearch")
        self._home = context.home(self.name)
        self._cluster = f"shopstream-{context.cluster_id}"
        self._java: java.Java | None = None
        self._archive: cds.Archive | None = None
        self._jars = jars.locked(self.name)
        self._class_path = ""
        self.url = f"http://127.0.0.1:{self._port}"

    async def prepare(self) -> None:
        await asyncio.to_thread(self._prepare)

    def command(self) -> Command:
        assert self._java
        assert self._archive
        settings = {
            "path.home": str(self._home),
            "path.data": str(self._home / "data"),
            "path.logs": str(self._home / "tmp"),
            "cluster.name": self._cluster,
            "node.name": "shop",
            "network.host": "127.0.0.1",
            "http.port": str(self._port),
            "transport.port": str(self._context.layout.port("elasticsearch-transport")),
            "discovery.type": "single-node",
            "http.type": "netty4",
            "transport.type": "netty4",
            # a nearly full laptop disk would make every index read-only
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "action.auto_create_index": "false",
        }
        flags = [
            *JVM_FLAGS,
            *self._java.flags,
            f"-Djava.io.tmpdir={self._home / 'tmp'}",
            f"-Dlog4j.configurationFile={self._home / 'log4j2.properties'}",
            *self._archive.flags,
        ]
        arguments = [f"{name}={value}" for name, value in settings.items()]
        return Command(
            argv=[str(self._java.binary), *flags, "-cp", self._class_path, MAIN, *arguments],
            cwd=self._home,
            log=self._context.layout.log(self.name),
            environ=minimal_environ(self._home),
            stop_seconds_max=20.0,  # the first end also writes the class-data archive
        )

    async def probe(self, process: Process) -> None:
        try:
            node = await http_probe.get(f"{self.url}/_nodes/_local/process", seconds_max=PROBE_SECONDS_MAX)
            health = await http_probe.get(
                f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=2s", seconds_max=PROBE_SECONDS_MAX
            )
        except (OSError, TimeoutError) as error:
            raise NotReadyError(str(error)) from error
        if health.status != 200 or node.status != 200:
            raise NotReadyError(f"cluster health answered {health.status}")
        described = json.loads(node.body)
        pids = [info["process"]["id"] for info in described["nodes"].values()]
        if described["cluster_name"] != self._cluster or pids != [process.pid]:
            raise NotReadyError(f"{self.url} is answered by another Elasticsearch")

    def ended(self, *, cleanly: bool) -> None:
        if cleanly and self._archive:
            self._archive.keep()

    def describe(self) -> str:
        assert self._java
        return f"elasticsearch {self._jars.version}, java {self._java.major}"

    def _prepare(self) -> None:
        self._java = java.choose()
        fetched = jars.ensure(
            self._context.layout.cache,
            self._jars,
            lambda done, total: self._context.report(self.name, f"fetching jars {done}/{total}"),
        )
        paths = [jars.LAUNCHER_JAR, *jars.class_path(fetched, self._jars)]
        self._class_path = ":".join(str(path) for path in paths)
        self._archive = cds.prepare(
            self._context.layout.cache,
            self._java,
            engine=self.name,
            jar_digest=f"{self._jars.digest} {jars.LAUNCHER_JAR} {jars.sha256(jars.LAUNCHER_JAR)}",
        )
        for directory in ("tmp", "data", "config"):
            (self._home / directory).mkdir(parents=True, exist_ok=True)
        claim_data(self._home, f"elasticsearch {self._jars.version.split('.')[0]}")
        (self._home / "log4j2.properties").write_text(LOGGING)
