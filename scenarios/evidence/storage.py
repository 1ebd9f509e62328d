"""Evidence on disk, so that a run can be judged again without a fleet.

Layout: `facts.json`, `history.jsonl`, `snapshots/<table>.jsonl.gz`, `journals/<name>.jsonl.gz`, `logs.jsonl.gz`.
JSON lines throughout; reading is strict, because evidence that does not parse must not be judged.
"""

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from scenarios.evidence.bundle import Evidence
from scenarios.evidence.facts import RunFacts
from scenarios.evidence.logs import LogLine
from scenarios.evidence.views import ROW_TYPES, AuditTables
from scenarios.history import Record, read_history, write_history
from scenarios.world.journals import (
    CarrierRecord,
    FaultRecord,
    Journals,
    MessageRecord,
    PspRecord,
    SmtpRecord,
    TapRecord,
)

FACTS = "facts.json"
HISTORY = "history.jsonl"
SNAPSHOTS = "snapshots"
JOURNALS = "journals"
LOGS = "logs.jsonl.gz"
GZIP_LEVEL = 3
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError)

Struct = TypeVar("Struct", bound=msgspec.Struct)


def save_evidence(evidence: Evidence, run_dir: Path) -> None:
    """Writes everything into `run_dir`; a history file that is already there is the writer's and stays."""
    run_dir.mkdir(parents=True, exist_ok=True)
    save_facts(evidence.facts, run_dir)
    if not (run_dir / HISTORY).exists():
        write_history(run_dir / HISTORY, evidence.history)
    save_tables(evidence.audit, run_dir)
    for name in Journals.__struct_fields__:
        _write(run_dir / JOURNALS / f"{name}.jsonl.gz", getattr(evidence.journals, name))
    _write(run_dir / LOGS, evidence.logs)


def save_facts(facts: RunFacts, run_dir: Path) -> None:
    encoded = msgspec.json.format(msgspec.json.encode(facts), indent=2)
    (run_dir / FACTS).write_bytes(encoded + b"\n")


def save_tables(tables: AuditTables, run_dir: Path) -> None:
    for table in ROW_TYPES:
        _write(run_dir / SNAPSHOTS / f"{table}.jsonl.gz", getattr(tables, table))


def load_evidence(run_dir: Path) -> Evidence:
    """Raises EvidenceUnreadableError, naming the file, when something is missing or does not parse."""
    tables = AuditTables()
    for table, row_type in ROW_TYPES.items():
        setattr(tables, table, _read_all(run_dir / SNAPSHOTS / f"{table}.jsonl.gz", row_type))
    journals = run_dir / JOURNALS
    return Evidence(
        facts=load_facts(run_dir),
        history=_read_whole_history(run_dir / HISTORY),
        audit=tables,
        logs=_read_all(run_dir / LOGS, LogLine),
        journals=Journals(
            psp=_read_all(journals / "psp.jsonl.gz", PspRecord),
            carrier=_read_all(journals / "carrier.jsonl.gz", CarrierRecord),
            smtp=_read_all(journals / "smtp.jsonl.gz", SmtpRecord),
            sms=_read_all(journals / "sms.jsonl.gz", MessageRecord),
            tap=_read_all(journals / "tap.jsonl.gz", TapRecord),
            faults=_read_all(journals / "faults.jsonl.gz", FaultRecord),
        ),
    )


def load_facts(run_dir: Path) -> RunFacts:
    try:
        return msgspec.json.decode((run_dir / FACTS).read_bytes(), type=RunFacts)
    except (OSError, *UNDECODABLE) as error:
        raise EvidenceUnreadableError(f"{run_dir / FACTS}: {error}") from error


def _read_whole_history(path: Path) -> list[Record]:
    """A run that was concluded closed its history: a last line that is cut off is damage here."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            if size and file.read() != b"\n":
                raise EvidenceUnreadableError(f"{path}: the last line is cut off")
        return read_history(path)
    except (OSError, *UNDECODABLE) as error:
        raise EvidenceUnreadableError(f"{path}: {error}") from error


def _write(path: Path, rows: Iterable[msgspec.Struct]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoder = msgspec.json.Encoder()
    with gzip.open(path, "wb", compresslevel=GZIP_LEVEL) as file:
        for row in rows:
            file.write(encoder.encode(row) + b"\n")


def _read_all(path: Path, row_type: type[Struct]) -> list[Struct]:
    try:
        return list(_read(path, row_type))
    except (OSError, EOFError, zlib.error, *UNDECODABLE) as error:
        raise EvidenceUnreadableError(f"{path}: {error}") from error


def _read(path: Path, row_type: type[Struct]) -> Iterator[Struct]:
    decoder = msgspec.json.Decoder(row_type)
    with gzip.open(path, "rb") as file:
        for line in file:
            yield decoder.decode(line)


class EvidenceUnreadableError(Exception):
    """A run directory that cannot be judged: a file is missing, cut off or not what it says."""
