"""Plays a drill as a person with a terminal would and writes the shortened transcript: `nox -s transcript`.

What is printed is what the commands said; nobody types it.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from scenarios.drilling.draw import draw
from scenarios.drills import scenario

ROOT = Path(__file__).parents[2]
COLUMNS = 120
GAP = "…"
CAUSE = "read-then-write"
INCIDENT = "flash-sale"
LEVEL = 1
SEED = next(seed for seed in range(1_000) if draw(scenario(INCIDENT), level=LEVEL, seed=seed).cause == CAUSE)


class Step(NamedTuple):
    """A command line and why it is given; of what it says the first and last lines stay, and those that are `telling`.

    `code` is the exit code that it must have, else there is no transcript.
    """

    why: str
    line: str
    first: int = 30
    last: int = 0
    telling: str = ""
    code: int = 0


STEPS = (
    Step(
        "The pager rings. The brief has symptoms only: alerts, graphs, logs, mail.",
        f"shopctl drill start {INCIDENT} --level {LEVEL} --seed {SEED} --quick",
        first=21,
        last=14,
        telling=r"^LOGS|^MAIL|was gone|access log|database_error|From: buyer|Subject: Where",
    ),
    Step(
        "More was promised than there is, and a process died in it. Is it so in the books, or only on the graph?",
        "shopctl invariants",
        first=0,
        last=3,
        telling="fail ",
    ),
    Step("First guess: orders took more than inventory gave.", "shopctl drill submit --service orders", code=1),
    Step("The books of the stock are wrong, so it is inventory.", "shopctl drill submit --service inventory"),
    Step(
        "Customers are still buying. Whatever it is, last week's release did not have it.",
        "shopctl drill roll-back inventory",
    ),
    Step("Does that stop the harm? The same load, once more.", "shopctl drill prove --as-it-stands", last=2, first=0),
    Step("What in there could be so? A hint is worth its points.", "shopctl drill hint"),
    Step(
        "Two processes, no lock: both read, both write.",
        f"shopctl drill submit --cause {CAUSE} --note 'two processes read the same stock'",
    ),
    Step("Who was hit? The plan of the repair has the orders.", "shopctl repair oversell --plan", first=12),
    Step(
        "",
        "shopctl repair oversell --plan --json | jq -r '.plan.skus[].cancel[]' > affected.txt; "
        "shopctl drill submit --impact affected.txt",
    ),
    Step("", "shopctl repair oversell --apply", first=0, telling="^Cancelled|^PASS|^at stake"),
    Step("Does it count?", "shopctl drill status", first=14, telling="^repair|clock"),
    Step("And does mending the cause mend the shop?", "shopctl drill prove", first=0, last=2),
    Step("", "shopctl drill report", first=90),
)
HEAD = """# A drill, from the alert to the review

What a responder sees who has only a terminal. `nox -s transcript` played it and wrote this page; it is shortened where
it says `…`, times are UTC.
"""
FOOT = """`shopctl drill status` after the repair tells whether it counts; every refusal names its invariant. Rolling
back is one way to stop the harm; `shopctl up --scale inventory=1` would have been another here, and `drill prove` stops
it with the cause itself. How the defect is kept from the responder, what counts and how points are given:
[0015](decisions/0015-drills.md).
"""


def shortened(lines: list[str], step: Step) -> list[str]:
    """The lines that stay, with one mark for each gap. Pure."""
    found: list[str] = []
    for number, line in enumerate(lines):
        stays = number < step.first or number >= len(lines) - step.last
        if stays or (step.telling and re.search(step.telling, line)):
            found.append(line[:COLUMNS].rstrip())
        elif found[-1:] != [GAP]:
            found.append(GAP)
    return found


def page(said: Iterable[tuple[Step, list[str]]]) -> str:
    """The whole page. Pure."""
    parts = [HEAD]
    for step, lines in said:
        block = "\n".join([f"$ {step.line}", *shortened(lines, step)])
        parts.append((f"{step.why}\n\n" if step.why else "") + f"```\n{block}\n```\n")
    return "\n".join([*parts, FOOT])


def main(target: Path) -> None:
    """Play all steps on the running fleet and write the page. Ends with an error at a step that went otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        said = [(step, _told(step, folder)) for step in STEPS]
    target.write_text(page(said))


def _told(step: Step, folder: str) -> list[str]:
    sys.stderr.write(f"$ {step.line}\n")
    shell = f'shopctl() {{ "{sys.executable}" -P -m cli.main "$@"; }}; {step.line}'
    done = subprocess.run(  # the shell and its words are this file's
        ["/bin/bash", "-c", shell],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": str(COLUMNS)},
    )  # fmt: skip
    if done.returncode != step.code:
        raise SystemExit(f"{step.line}: exit code {done.returncode}\n{done.stdout}")
    return [line.rstrip() for line in done.stdout.splitlines() if line.strip()]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
