"""Settings of a process, read once from an environment mapping and frozen.

A service's settings.py subclasses ServiceSettings and is the only reader of os.environ in that service.
"""

import socket
import typing
from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from shared.field_words import refused_field
from shared.redaction import redact_text

PREFIX = "SHOPSTREAM_"
S = TypeVar("S", bound=msgspec.Struct)

Signal = Literal["traces", "metrics", "logs"]
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")
EVERYWHERE = "0.0.0.0"  # noqa: S104 -- containers: their ports are published one by one
OTLP_PROTOCOL = "http/protobuf"

_SECRET_WORDS = ("secret", "password", "token", "key")


class SettingsError(Exception):
    """The environment cannot be read; every line names one variable. Values are never shown."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every service is told at its start; environment name = SHOPSTREAM_ + upper field name."""

    env: Literal["development", "production", "test"] = "development"
    service: str
    instance: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    role: Literal["all", "api", "worker"] = "all"
    database_url: str = ""
    redis_url: str = "redis://127.0.0.1:8101/0"
    kafka_bootstrap: str = "127.0.0.1:8102"
    elasticsearch_url: str = "http://127.0.0.1:8104"
    smtp_url: str = "smtp://127.0.0.1:8112"
    psp_url: str = "http://127.0.0.1:8110"
    carrier_url: str = "http://127.0.0.1:8111"
    sms_url: str = "http://127.0.0.1:8113"
    gateway_url: str = "http://127.0.0.1:8000"
    internal_secret: str
    webhook_secrets: tuple[str, ...] = ()
    prefix: str = ""
    overlay_file: str = ""
    controls_file: str = ""
    spans_dir: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    otlp: tuple[Signal, ...] = ()
    """What goes to an OpenTelemetry collector; read from the standard OTEL_* variables."""

    def __post_init__(self) -> None:
        if not self.instance:
            msgspec.structs.force_setattr(self, "instance", f"{self.service}-1")

    @property
    def reachable_host(self) -> str:
        """By which name others find this process: that of its machine where it listens on every address."""
        return socket.gethostname() if self.host == EVERYWHERE else self.host

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={_shown(name, getattr(self, name))}" for name in self.__struct_fields__)
        return f"{type(self).__name__}({shown})"


def read(settings_type: type[S], environ: Mapping[str, str]) -> S:
    """Build settings from SHOPSTREAM_* variables. Tuples are comma separated; empty means the default.

    Raises SettingsError naming every missing or malformed variable at once.
    """
    values: dict[str, object] = {}
    problems: list[str] = []
    for field in msgspec.structs.fields(settings_type):
        if field.name == "otlp":
            values["otlp"] = _otlp_signals(environ, problems)
            continue
        variable = PREFIX + field.name.upper()
        raw = environ.get(variable, "")
        if not raw:
            if field.required:
                problems.append(f"{variable} is required and not set")
            continue
        try:
            values[field.name] = _convert(raw, field.type)
        except msgspec.ValidationError as error:
            shown = "" if _is_secret(field.name) else f" (got {raw!r})"
            problems.append(f"{variable} {refused_field(error, field.type)[1]}{shown}")
    if problems:
        raise SettingsError(problems)
    return settings_type(**values)


def _otlp_signals(environ: Mapping[str, str], problems: list[str]) -> tuple[Signal, ...]:
    """The signals for which the variables of the OpenTelemetry specification name a collector."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()

    def told(signal: Signal, what: str, default: str = "") -> str:
        own = environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{what}", "")
        return own or environ.get(f"OTEL_EXPORTER_OTLP_{what}", "") or default

    wanted: tuple[Signal, ...] = tuple(
        signal
        for signal in SIGNALS
        if told(signal, "ENDPOINT") and environ.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp") == "otlp"
    )
    spoken = {told(signal, "PROTOCOL", OTLP_PROTOCOL) for signal in wanted}
    if spoken - {OTLP_PROTOCOL}:
        problems.append(f"OTEL_EXPORTER_OTLP_PROTOCOL: only {OTLP_PROTOCOL} is spoken (got {sorted(spoken)})")
    return wanted


def _convert(raw: str, wanted: typing.Any) -> object:
    if typing.get_origin(wanted) is tuple:
        parts = [part.strip() for part in raw.split(",")]
        return msgspec.convert([part for part in parts if part], wanted, strict=False)
    return msgspec.convert(raw, wanted, strict=False)


def _is_secret(name: str) -> bool:
    return any(word in name for word in _SECRET_WORDS)


def _shown(name: str, value: object) -> str:
    if _is_secret(name):
        return "[redacted]" if value else repr(value)
    return redact_text(repr(value)) if name.endswith("_url") else repr(value)
