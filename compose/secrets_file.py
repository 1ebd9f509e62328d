"""The secrets of one home: made once, kept in a file only its owner reads, never logged."""

import base64
import json
import os
import secrets
import uuid
from pathlib import Path
from typing import Final

import msgspec

from compose.layout import Layout
from compose.operator_error import OperatorError

TOKEN_BYTES: Final = 24


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """Everything random that must survive a restart."""

    superuser_password: str
    audit_password: str
    database_passwords: dict[str, str]
    internal_secret: str
    webhook_secrets: list[str]
    cluster_id: str


def load_or_make(layout: Layout) -> Secrets:
    """The stack's secrets; generated on first use and written with mode 0600.

    Raises OperatorError `secrets.damaged`: new ones would not open what the old ones locked.
    """
    try:
        return msgspec.json.decode(layout.secrets_file.read_bytes(), type=Secrets)
    except FileNotFoundError:
        return _write(layout.secrets_file, _generate())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OperatorError(
            "secrets.damaged",
            f"{layout.secrets_file} cannot be read: {error}.",
            mend="Put it back from a copy, or drop all data and start anew: shopctl down --wipe.",
        ) from error


def with_databases(layout: Layout, services: list[str]) -> Secrets:
    """The stack's secrets with a database password for every service named."""
    known = load_or_make(layout)
    missing = [name for name in services if name not in known.database_passwords]
    if not missing:
        return known
    passwords = {**known.database_passwords, **{name: _token() for name in missing}}
    return _write(layout.secrets_file, msgspec.structs.replace(known, database_passwords=passwords))


def _generate() -> Secrets:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return Secrets(
        superuser_password=_token(),
        audit_password=_token(),
        database_passwords={},
        internal_secret=_token(),
        webhook_secrets=[_token(), _token()],
        cluster_id=cluster.replace("-", "a"),  # the format tool would read a leading dash as an option
    )


def _write(path: Path, made: Secrets) -> Secrets:
    partial = path.with_suffix(".partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(msgspec.to_builtins(made), file, indent=1)
    partial.replace(path)
    return made


def _token() -> str:
    """Letters and digits only: it goes into URLs."""
    return secrets.token_hex(TOKEN_BYTES)
