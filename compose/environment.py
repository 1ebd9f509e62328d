"""The environment every forked process gets: the settings of a service, filled from layout and secrets."""

import os
from collections.abc import Mapping
from typing import Final

from compose import stack
from compose.addresses import Addresses
from compose.layout import Layout
from compose.secrets_file import Secrets
from compose.stack import Component

AUDIT_ROLE: Final = "audit"
INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH")
INHERITED_PREFIX: Final = "OTEL_"  # where a collector listens


def common(layout: Layout, secrets: Secrets, engines: Addresses) -> dict[str, str]:
    """What all processes of the stack are told alike, and what they inherit from whoever starts it."""
    inherited = {
        name: value for name, value in os.environ.items() if name in INHERITED or name.startswith(INHERITED_PREFIX)
    }
    chosen = {
        "SHOPSTREAM_ENV": os.environ.get("SHOPSTREAM_ENV", "development"),
        "SHOPSTREAM_LOG_LEVEL": os.environ.get("SHOPSTREAM_LOG_LEVEL", "info"),
    }
    return inherited | told(layout, secrets, engines) | chosen


def told(layout: Layout, secrets: Secrets, engines: Addresses) -> dict[str, str]:
    """The part of it that follows from the stack alone."""

    def at(host: str, name: str) -> str:
        return f"{host}:{layout.port(name)}"

    values = {
        "HOST": engines.bind,
        "REDIS_URL": engines.redis,
        "KAFKA_BOOTSTRAP": engines.kafka,
        "ELASTICSEARCH_URL": engines.elasticsearch,
        "SMTP_URL": engines.smtp or f"smtp://{at(engines.world, 'smtp')}",
        "PSP_URL": f"http://{at(engines.world, 'psp')}",
        "CARRIER_URL": f"http://{at(engines.world, 'carrier')}",
        "SMS_URL": f"http://{at(engines.world, 'catcher')}",
        "GATEWAY_URL": f"http://{at(engines.gateway, 'gateway')}",
        "SERVICES": ",".join(stack.load().packages),
        "INTERNAL_SECRET": secrets.internal_secret,
        "WEBHOOK_SECRETS": ",".join(secrets.webhook_secrets),
        "PREFIX": "",
        "OVERLAY_FILE": str(layout.overlay_file),
        "CONTROLS_FILE": str(layout.controls_file),
        "SPANS_DIR": str(layout.spans),
        "HOME": str(layout.home),
        "PORT_BASE": str(layout.port_base),
    }
    return {f"SHOPSTREAM_{name}": value for name, value in values.items()}


def of_service(
    layout: Layout,
    secrets: Secrets,
    engines: Addresses,
    component: Component,
    *,
    instance: str,
    port: int,
    extra: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment of one service instance; `extra` wins."""
    own = {
        "SHOPSTREAM_SERVICE": component.name,
        "SHOPSTREAM_INSTANCE": instance,
        "SHOPSTREAM_PORT": str(port),
        "SHOPSTREAM_ROLE": "all",
        "SHOPSTREAM_DATABASE_URL": database_url(secrets, engines, component.name) if component.database else "",
    }
    return common(layout, secrets, engines) | own | dict(extra)


def of_world(layout: Layout, secrets: Secrets, engines: Addresses, *, extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of the simulated world: its ports by name, its journal directory, the fleet's addresses."""
    named = ("psp", "carrier", "smtp", "catcher", "fault-api")
    own = {f"SHOPSTREAM_{name.upper().replace('-', '_')}_PORT": str(layout.port(name)) for name in named}
    own["SHOPSTREAM_WORLD_DIR"] = str(layout.world)
    return common(layout, secrets, engines) | own | dict(extra)


def database_url(secrets: Secrets, engines: Addresses, service: str) -> str:
    """A service's own database as its own role."""
    return engines.database(service, user=service, password=secrets.database_passwords[service])


def audit_url(secrets: Secrets, engines: Addresses) -> str:
    """The read-only role's address with a `{database}` placeholder."""
    return engines.database("{database}", user=AUDIT_ROLE, password=secrets.audit_password)
