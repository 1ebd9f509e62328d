"""How a benchmark tells what it measured: a table for people, and JSON for programs."""

from pathlib import Path

import msgspec


def tell(table: str, report: msgspec.Struct, path: Path | None) -> None:
    """Print the table; write the report to the file, or print it as well where none is named."""
    print(table)
    encoded = msgspec.json.format(msgspec.json.encode(report))
    if path:
        path.write_bytes(encoded + b"\n")
    else:
        print(encoded.decode())
