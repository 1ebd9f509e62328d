"""compose.yaml and its env file, made from the stack definition: `python -m compose.containers` writes both.

A test regenerates them and compares byte for byte, so nobody edits them by hand.
"""

from pathlib import Path
from typing import Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from compose import environment, ports, stack
from compose.addresses import Addresses
from compose.containers.images import BASE, FLEET, IMAGES
from compose.layout import Layout
from compose.secrets_file import Secrets
from compose.stack import Component
from compose.state import VERSION

FOLDER: Final = Path(__file__).parents[1]
COMPOSE_FILE: Final = FOLDER / "compose.yaml"
ENV_FILE: Final = FOLDER / ".env"
INSIDE: Final = Path("/var/lib/shopstream")
"""Where every container sees what the stack shares: overlay, fault controls, spans and the world's journals."""
LINKS: Final = range(60, 72)
"""Offsets of the ports on which the world opens proxies for faults of links."""
WORLD: Final = ("psp", "carrier", "catcher", "fault-api")
SMTP_PORT: Final = 1025
ENGINE_PORTS: Final = {"postgres": 5432, "redis": 6379, "kafka": 9094, "elasticsearch": 9200}
"""Where the engines listen inside; Kafka's is the listener for whoever is outside."""
MAIL_OFFSET: Final = 115
MEMORY: Final = {"gateway": "256m", "auth": "512m"}  # several passwords are hashed at once, 64 MB each
MEMORY_OF_A_SERVICE: Final = "192m"


class Published(msgspec.Struct, frozen=True):
    """A port on the loopback of the machine, and the one inside."""

    variable: str
    default: int
    inside: int

    @property
    def mapping(self) -> str:
        return f"127.0.0.1:${{{self.variable}:-{self.default}}}:{self.inside}"


class Service(msgspec.Struct, frozen=True):
    """One of the ten in the compose file."""

    name: str
    port: Published
    needs: tuple[str, ...]
    environment: dict[str, str]
    memory: str


def inside() -> Addresses:
    """The engines as containers reach them."""
    return Addresses(
        postgres=f"postgresql://postgres:{_secret('superuser_password')}@postgres:5432/postgres",
        redis="redis://redis:6379/0",
        kafka="kafka:9092",
        elasticsearch="http://elasticsearch:9200",
        world="world",
        gateway="gateway",
        smtp=f"smtp://mailpit:{SMTP_PORT}",
        bind="0.0.0.0",  # noqa: S104 -- published one by one, on loopback
    )


def compose_yaml() -> str:
    """The whole file."""
    found = stack.load()
    secrets = _placeholders(found)
    layout = Layout(INSIDE, INSIDE, ports.DEFAULT_BASE)
    shared = environment.told(layout, secrets, inside())
    everybody = {name: value for name, value in shared.items() if name != "SHOPSTREAM_PORT_BASE"}
    common = environment.common(layout, secrets, inside())
    world = environment.of_world(layout, secrets, inside(), extra={})
    jinja = Environment(  # noqa: S701 -- YAML, of our own words only
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    return jinja.get_template("compose.yaml.j2").render(
        version=VERSION,
        base=BASE,
        fleet=FLEET,
        images=IMAGES,
        everybody=everybody,
        services=[_service(component, layout, secrets) for component in found.services],
        world={name: value for name, value in world.items() if name not in common},
        world_ports=[_published(name, ports.port_of(ports.DEFAULT_BASE, name)) for name in WORLD],
        links=[_published(f"link-{number}", ports.DEFAULT_BASE + offset) for number, offset in enumerate(LINKS, 1)],
        engines={name: _published(name, number) for name, number in ENGINE_PORTS.items()},
        mail=Published("SHOPSTREAM_PORT_MAILPIT", ports.DEFAULT_BASE + MAIL_OFFSET, 8025),
        databases=found.audited,
        secrets=secrets,
        inside=INSIDE,
    )


def variables(secrets: Secrets, *, port_base: int, extra: dict[str, str]) -> str:
    """An env file that fills the compose file: secrets, and every port moved to another base."""
    found = stack.load()
    lines = {
        "COMPOSE_PROFILES": "fleet",
        "SHOPSTREAM_SUPERUSER_PASSWORD": secrets.superuser_password,
        "SHOPSTREAM_AUDIT_PASSWORD": secrets.audit_password,
        "SHOPSTREAM_INTERNAL_SECRET": secrets.internal_secret,
        "SHOPSTREAM_WEBHOOK_SECRETS": ",".join(secrets.webhook_secrets),
        "SHOPSTREAM_CLUSTER_ID": secrets.cluster_id,
        **{f"SHOPSTREAM_PASSWORD_{it.name.upper()}": secrets.database_passwords[it.name] for it in found.audited},
        **extra,
    }
    if port_base != ports.DEFAULT_BASE:
        lines |= {variable: str(number - ports.DEFAULT_BASE + port_base) for variable, number in published().items()}
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def published() -> dict[str, int]:
    """Every port of the machine that the file takes, by its variable, on the default base."""
    found = stack.load()
    engines = {_variable(name): ports.port_of(ports.DEFAULT_BASE, name) for name in (*ENGINE_PORTS, *WORLD)}
    services = {_variable(it.name): ports.DEFAULT_BASE + (it.port or 0) for it in found.services}
    links = {_variable(f"link-{number}"): ports.DEFAULT_BASE + offset for number, offset in enumerate(LINKS, 1)}
    return {**services, **links, **engines, _variable("mailpit"): ports.DEFAULT_BASE + MAIL_OFFSET}


def development() -> str:
    """The env file beside the compose file, for who types `docker compose up` and nothing else."""
    names = [service.name for service in stack.load().audited]
    secrets = Secrets(
        superuser_password="development-only-superuser",  # noqa: S106 -- says what it is
        audit_password="development-only-audit",  # noqa: S106 -- the same
        database_passwords={name: f"development-only-{name}" for name in names},
        internal_secret="development-only-internal-secret-0123456789",  # noqa: S106 -- the same
        webhook_secrets=["development-only-webhook-1", "development-only-webhook-2"],
        cluster_id="c2hvcHN0cmVhbS1jb21wbw",
    )
    head = "# Secrets of a stack that listens on loopback only. `shopctl up --profile compose` makes its own.\n"
    return head + variables(secrets, port_base=ports.DEFAULT_BASE, extra={})


def _service(component: Component, layout: Layout, secrets: Secrets) -> Service:
    port = layout.port(component.name)
    whole = environment.of_service(
        layout, secrets, inside(), component, instance=f"{component.name}-1", port=port, extra={}
    )
    own = ("SERVICE", "INSTANCE", "PORT", "DATABASE_URL")
    return Service(
        name=component.name,
        port=Published(_variable(component.name), port, port),
        needs=component.depends_on,
        environment={f"SHOPSTREAM_{name}": whole[f"SHOPSTREAM_{name}"] for name in own if whole[f"SHOPSTREAM_{name}"]},
        memory=MEMORY.get(component.name, MEMORY_OF_A_SERVICE),
    )


def _published(name: str, inside_port: int) -> Published:
    number = published()[_variable(name)]
    return Published(_variable(name), number, inside_port)


def _variable(name: str) -> str:
    return f"SHOPSTREAM_PORT_{name.upper().replace('-', '_')}"


def _placeholders(found: stack.Stack) -> Secrets:
    """Secrets that compose fills in from an env file."""
    return Secrets(
        superuser_password=_secret("superuser_password"),
        audit_password=_secret("audit_password"),
        database_passwords={it.name: _secret(f"password_{it.name}") for it in found.audited},
        internal_secret=_secret("internal_secret"),
        webhook_secrets=[_secret("webhook_secrets")],
        cluster_id=_secret("cluster_id"),
    )


def _secret(name: str) -> str:
    return f"${{SHOPSTREAM_{name.upper()}}}"
