"""Runs every benchmark, one after the other: `python -m loadtests.benchmarks [NAME …] [--json FILE]`.

Each runs in a process of its own, so that none measures what another left in memory.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

BENCHMARKS = ("event_latency", "gateway_overhead", "hot_row")
RUN_SECONDS_MAX = 900


def run(name: str, report: Path) -> int:
    """The benchmark's exit code: 0 its goals were reached, 1 one was missed, anything else it failed."""
    print(f"— {name}", flush=True)
    command = [sys.executable, "-m", f"loadtests.benchmarks.{name}", "--json", str(report)]
    return subprocess.run(command, check=False, timeout=RUN_SECONDS_MAX).returncode  # noqa: S603 our own modules


def main() -> int:
    """0 when all goals were reached, 1 when one was missed, 3 when a benchmark failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--json", type=Path, help="write the reports here, by name")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark {', '.join(unknown)}")
    codes: list[int] = []
    reports: dict[str, msgspec.Raw] = {}
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        for name in given.names or BENCHMARKS:
            path = Path(directory) / f"{name}.json"
            codes.append(run(name, path))
            if path.exists():
                reports[name] = msgspec.Raw(path.read_bytes())
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(reports)) + b"\n")
    return 3 if set(codes) - {0, 1} else max(codes)


if __name__ == "__main__":
    sys.exit(main())
