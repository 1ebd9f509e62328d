"""What the world reads from the environment: where to listen, where to keep its journals, whom to call.

Only this module reads the environment. The fleet's databases are not in it.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from compose.ports import DEFAULT_BASE, port_of

PSP_WEBHOOK_PATH = "/api/v1/webhooks/psp"
CARRIER_WEBHOOK_PATH = "/api/v1/webhooks/carrier"


class InvalidWorldSettingsError(Exception):
    """The environment does not say what the world needs."""


class WorldSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Port 0 takes a free one. No gateway means no webhooks, no bootstrap means no tap."""

    folder: Path
    host: str = "127.0.0.1"
    psp_port: int = 0
    carrier_port: int = 0
    smtp_port: int = 0
    catcher_port: int = 0
    fault_api_port: int = 0
    gateway_url: str = ""
    webhook_secret: str = "development"  # noqa: S105 - the boot hands over a generated one
    kafka_bootstrap: str = ""
    tap_pattern: str = "^"
    link_ports: tuple[int, ...] = ()
    """Where proxies of links listen; none named, on any free port."""
    mailpit_url: str = ""
    """Whose mails are read into the journal beside those that come here."""

    @property
    def psp_webhook_url(self) -> str:
        """Where the PSP reports, "" for nowhere."""
        return self.gateway_url.rstrip("/") + PSP_WEBHOOK_PATH if self.gateway_url else ""

    @property
    def carrier_webhook_url(self) -> str:
        """Where the carrier reports, "" for nowhere."""
        return self.gateway_url.rstrip("/") + CARRIER_WEBHOOK_PATH if self.gateway_url else ""


def read(environ: Mapping[str, str]) -> WorldSettings:
    """The settings of a world under the stack. Raises InvalidWorldSettingsError.

    SHOPSTREAM_WORLD_DIR (else SHOPSTREAM_HOME/world) holds the journals. Ports follow SHOPSTREAM_PORT_BASE, each
    may be named: SHOPSTREAM_{PSP,CARRIER,SMTP,CATCHER,FAULT_API}_PORT. SHOPSTREAM_GATEWAY_URL, _WEBHOOK_SECRETS
    (newest first), _KAFKA_BOOTSTRAP, _PREFIX (of topic names), _TAP_PATTERN, _LINK_PORTS (first-last), _MAILPIT_URL.
    """
    ours = "SHOPSTREAM_"
    value = {name.removeprefix(ours): text for name, text in environ.items() if text and name.startswith(ours)}
    if "WORLD_DIR" not in value and "HOME" not in value:
        raise InvalidWorldSettingsError("SHOPSTREAM_WORLD_DIR or SHOPSTREAM_HOME is required")
    try:
        base = int(value.get("PORT_BASE", DEFAULT_BASE))
        host = value.get("HOST", "127.0.0.1")
        return WorldSettings(
            folder=Path(value.get("WORLD_DIR") or Path(value["HOME"]) / "world"),
            host=host,
            psp_port=int(value.get("PSP_PORT", port_of(base, "psp"))),
            carrier_port=int(value.get("CARRIER_PORT", port_of(base, "carrier"))),
            smtp_port=int(value.get("SMTP_PORT", port_of(base, "smtp"))),
            catcher_port=int(value.get("CATCHER_PORT", port_of(base, "catcher"))),
            fault_api_port=int(value.get("FAULT_API_PORT", port_of(base, "fault-api"))),
            gateway_url=value.get("GATEWAY_URL", ""),
            webhook_secret=value.get("WEBHOOK_SECRETS", "development").split(",")[0].strip(),
            kafka_bootstrap=value.get("KAFKA_BOOTSTRAP", ""),
            tap_pattern=value.get("TAP_PATTERN", "^" + re.escape(value.get("PREFIX", ""))),
            link_ports=_range(value.get("LINK_PORTS", "")),
            mailpit_url=value.get("MAILPIT_URL", "").rstrip("/"),
        )
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidWorldSettingsError(str(error)) from error


def _range(text: str) -> tuple[int, ...]:
    if not text:
        return ()
    first, _, last = text.partition("-")
    return tuple(range(int(first), int(last) + 1))
