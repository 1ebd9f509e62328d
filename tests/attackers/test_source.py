"""Bandit and semgrep on the source: nothing without a reason beside it, and every planted offender is found."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.attackers.tools import run

pytestmark = [pytest.mark.attackers, pytest.mark.timeout(1_200)]

ROOT = Path(__file__).parents[2]
FOLDERS = ("svc", "shared", "scenarios", "cli", "loadtests", "compose")
HERE = Path(__file__).parent
RULES = HERE / "rules" / "shopstream.yaml"
HOLES = "scenarios/defects/"
"""Where holes are planted on purpose."""
DEADLINE_S = 900.0
WELL = {
    ("compose/databases.py", "B608"): "names of the stack definition, in statements over several lines",
    ("svc/catalog/store/reads.py", "B608"): "a fragment of constants",
    ("svc/orders/jobs.py", "B608"): "an interval of ours",
    ("svc/shipping/migrations/versions/0001_shipping.py", "B608"): "the migration's own rows",
}
"""What bandit sees and ruff, for whom others have their reason beside them, does not."""


async def bandit(where: Path, scratch: Path, *folders: str) -> list[dict]:
    """Findings of medium severity or more."""
    report = scratch / "bandit.json"
    await run("bandit", "-q", "-ll", "-r", *folders, "-f", "json", "-o", str(report), cwd=where, deadline_s=DEADLINE_S)
    return json.loads(report.read_text())["results"]


async def semgrep(where: Path, *folders: str) -> list[dict]:
    """Findings of the local rules; nothing is fetched and nothing told."""
    ended = await run(
        "semgrep", "scan", "--config", str(RULES), "--metrics", "off", "--disable-version-check", "--no-git-ignore",
        "--json", "--quiet", "--jobs", "1", *folders,
        cwd=where, deadline_s=DEADLINE_S,
    )  # fmt: skip
    answer = json.loads(ended.output[ended.output.index('{"') :])
    assert answer["errors"] == [], answer["errors"]
    return answer["results"]


def planted(directory: Path) -> None:
    (directory / "offenders.py").write_text((HERE / "planted" / "offenders.txt").read_text())


def has_reason(finding: dict) -> bool:
    """Whether a line of the finding says for this rule why it is well: bandit's numbers are ruff's."""
    if (finding["filename"], finding["test_id"]) in WELL:
        return True
    rule = f"S{finding['test_id'].removeprefix('B')}"
    lines = (ROOT / finding["filename"]).read_text().splitlines()
    first, last = min(finding["line_range"]), max(finding["line_range"])
    return any(re.search(rf"# noqa: [A-Z0-9, ]*\b{rule}\b", line) for line in lines[first - 1 : last])


async def test_bandit_finds_nothing_without_a_reason_beside_it(tmp_path):
    report = await bandit(ROOT, tmp_path, *FOLDERS)
    assert report
    assert [f"{one['filename']}:{one['line_number']} {one['test_id']}" for one in report if not has_reason(one)] == []


async def test_bandit_finds_planted_offenders(tmp_path):
    planted(tmp_path)
    assert {one["test_id"] for one in await bandit(tmp_path, tmp_path, ".")} >= {"B301", "B307", "B602", "B701"}


async def test_semgrep_finds_nothing_in_the_source():
    found = [one for one in await semgrep(ROOT, *FOLDERS) if not one["path"].startswith(HOLES)]
    assert [f"{one['path']}:{one['start']['line']} {one['check_id']}" for one in found] == []


async def test_semgrep_finds_an_offender_of_each_rule(tmp_path):
    planted(tmp_path)
    rules = {rule["id"] for rule in yaml.safe_load(RULES.read_text())["rules"]}
    assert {one["check_id"].rpartition(".")[2] for one in await semgrep(tmp_path, ".")} == rules
