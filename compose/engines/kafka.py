"""Apache Kafka, KRaft, one node, on loopback: started from verified jars, formatted once per home."""

import asyncio
import subprocess
from typing import Final

from compose.engines import cds, jars, java
from compose.engines.engine import Context, NotReadyError, claim_data, minimal_environ
from compose.machine import DISK_FULL, disk_full
from compose.operator_error import OperatorError
from compose.process import Command, Process

FORMAT_SECONDS_MAX: Final = 60
PROBE_SECONDS_MAX: Final = 4.0
PROBE_TOPIC: Final = "shopstream.readiness"
JVM_FLAGS: Final = (
    *java.SMALL_JVM,
    "-Xms64m",
    # a broker keeps 50 MB alive; the old generation is first collected when it is full, so this bounds what an
    # idle one grows to, and wide survivor spaces keep the answers in flight from being promoted into it
    "-Xmx128m",
    "-Xmn20m",
    "-XX:SurvivorRatio=2",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)
# a short broker session lets a killed broker come back in 2-5 s instead of 12
SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "200",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.cleaner.threads": "1",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "1",
    "log.segment.bytes": "67108864",
    "log.index.size.max.bytes": "1048576",
    "log.retention.hours": "72",
}


class Kafka:
    """The event log of the fleet."""

    name: str = "kafka"
    ports: tuple[str, ...] = ("kafka", "kafka-controller")
    ready_seconds_max: float = 120.0

    def __init__(self, context: Context) -> None:
        self._context = context
        self._home = context.home(self.name)
        self._data = self._home / "data"
        self._config = self._home / "server.properties"
        self._java: java.Java | None = None
        self._archive: cds.Archive | None = None
        self._jars = jars.locked(self.name)
        self._class_path = ""
        self.url = f"127.0.0.1:{context.layout.port('kafka')}"

    async def prepare(self) -> None:
        await asyncio.to_thread(self._prepare)

    def command(self) -> Command:
        assert self._java
        assert self._archive
        flags = (*JVM_FLAGS, *self._java.flags, f"-Djava.io.tmpdir={self._home / 'tmp'}", *self._archive.flags)
        return Command(
            argv=[str(self._java.binary), *flags, "-cp", self._class_path, "kafka.Kafka", str(self._config)],
            cwd=self._home,
            log=self._context.layout.log(self.name),
            environ=minimal_environ(self._home),
            stop_seconds_max=20.0,  # the first end also writes the class-data archive
        )

    async def probe(self, process: Process) -> None:
        del process  # the cluster id identifies the broker
        await _answers(self.url)
        await _is_cluster(self.url, self._context.cluster_id)
        await _produces(self.url)

    def ended(self, *, cleanly: bool) -> None:
        if cleanly and self._archive:
            self._archive.keep()

    def describe(self) -> str:
        assert self._java
        return f"kafka {self._jars.version}, java {self._java.major}"

    def _prepare(self) -> None:
        self._java = java.choose()
        fetched = jars.ensure(
            self._context.layout.cache,
            self._jars,
            lambda done, total: self._context.report(self.name, f"fetching jars {done}/{total}"),
        )
        self._class_path = ":".join(str(path) for path in jars.class_path(fetched, self._jars))
        self._archive = cds.prepare(
            self._context.layout.cache, self._java, engine=self.name, jar_digest=self._jars.digest
        )
        (self._home / "tmp").mkdir(parents=True, exist_ok=True)
        claim_data(self._home, f"kafka {self._jars.version.split('.')[0]}")
        self._configure()
        if not self._is_formatted():
            self._context.report(self.name, "formatting")
            self._format()

    def _is_formatted(self) -> bool:
        """Whether the log directory is ours already; raises OperatorError when it is another cluster's."""
        try:
            properties = (self._data / "meta.properties").read_text()
        except FileNotFoundError:
            return False
        if f"cluster.id={self._context.cluster_id}\n" not in properties.replace("\r\n", "\n") + "\n":
            raise OperatorError(
                "kafka.other_cluster",
                f"The data in {self._data} belong to another Kafka cluster than secrets.json names.",
                mend="Drop them and start anew: shopctl down --wipe.",
            )
        return True

    def _configure(self) -> None:
        port, controller = (self._context.layout.port(name) for name in ("kafka", "kafka-controller"))
        settings = {
            **SETTINGS,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "log.dirs": str(self._data),
        }
        self._config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def _format(self) -> None:
        assert self._java
        argv = [str(self._java.binary), *cds.QUIET, *JVM_FLAGS, *self._java.flags, "-cp", self._class_path]
        argv += ["kafka.tools.StorageTool", "format", "-t", self._context.cluster_id, "-c", str(self._config)]
        done = subprocess.run(  # noqa: S603 -- the Java we chose
            argv,
            capture_output=True,
            text=True,
            timeout=FORMAT_SECONDS_MAX,
            check=False,
            cwd=self._home,
            env=minimal_environ(self._home),
        )
        if done.returncode != 0:
            text = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
            if DISK_FULL in done.stderr + done.stdout:
                raise disk_full(self._home)
            raise OperatorError(
                "kafka.format",
                f"Kafka could not format {self._data}: {text[-1]}.",
                mend="Drop what is there and start anew: shopctl down --wipe, then shopctl up.",
            )


async def _answers(address: str) -> None:
    """A cheap look before the client library, which logs loudly when nobody listens."""
    host, _, port = address.partition(":")
    try:
        async with asyncio.timeout(PROBE_SECONDS_MAX):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
    except (OSError, TimeoutError) as error:
        raise NotReadyError(str(error)) from error


async def _is_cluster(address: str, cluster_id: str) -> None:
    """A stale broker on the port would look like success."""
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # noqa: PLC0415 -- 0.2 s to import
    from aiokafka.errors import KafkaError, for_code  # noqa: PLC0415 -- the same

    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=int(PROBE_SECONDS_MAX * 1000))
    try:
        async with asyncio.timeout(PROBE_SECONDS_MAX):
            await admin.start()
            described = await admin.describe_cluster()
            if described["cluster_id"] != cluster_id:
                raise NotReadyError(f"{address} is answered by Kafka cluster {described['cluster_id']}")
            made = await admin.create_topics([NewTopic(PROBE_TOPIC, 1, 1)])
            code = made.topic_errors[0][1]
            if code not in {0, 36}:  # made now, or already there
                raise NotReadyError(str(for_code(code)))
    except (KafkaError, OSError, TimeoutError) as error:
        raise NotReadyError(repr(error)) from error
    finally:
        await admin.close()


async def _produces(address: str) -> None:
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415 -- 0.2 s to import
    from aiokafka.errors import KafkaError  # noqa: PLC0415 -- the same

    producer = AIOKafkaProducer(bootstrap_servers=address, acks="all")
    try:
        async with asyncio.timeout(PROBE_SECONDS_MAX):
            await producer.start()
            await producer.send_and_wait(PROBE_TOPIC, b"ready")
    except (KafkaError, OSError, TimeoutError) as error:
        raise NotReadyError(repr(error)) from error
    finally:
        await producer.stop()
