"""Reads the logs of a running fleet for a judge: what was written since a moment and tells of a failure."""

from pathlib import Path

from scenarios.evidence.logs import LogLine, postgres_line, service_line

POSTGRES_LOG = "postgres.log"


def read_logs(directory: Path, *, since: float) -> tuple[list[LogLine], int]:
    """The lines worth keeping, in order of time, and how many lines there were to choose from.

    `since` is epoch seconds. A file that ends within a line is read up to there.
    """
    kept: list[LogLine] = []
    read = 0
    for path in sorted(directory.glob("*-[0-9]*.log")):
        with path.open("rb") as lines:
            for line in lines:
                read += 1
                if (found := service_line(line, since=since)) is not None:
                    kept.append(found)
    postgres = directory / POSTGRES_LOG
    if postgres.exists():
        with postgres.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                read += 1
                if (found := postgres_line(line, since=since)) is not None:
                    kept.append(found)
    return sorted(kept, key=lambda line: line.at), read
