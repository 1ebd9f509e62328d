"""The table of versions that people read is the one that shopctl decides by, and that `nox -s versions` runs."""

from pathlib import Path

import pytest

from compose.external.versions import SUPPORTED, parse
from tests.versions.sets import SETS

TABLE = (Path(__file__).parents[2] / "docs" / "engines.md").read_text().split("##")[0]
ROWS = {
    title.strip(): (words.strip(), seen.strip().split(", "))
    for title, words, seen in (line.split("|")[1:4] for line in TABLE.splitlines() if line.startswith("| "))
    if title.strip() != "engine"
}
RUN = [told.rsplit(" ", 1) for engines in SETS for told in engines.told]


def test_the_documented_versions_are_those_that_are_let_in():
    assert {title: words for title, (words, _) in ROWS.items()} == {it.title: it.words for it in SUPPORTED.values()}


@pytest.mark.parametrize("supported", SUPPORTED.values(), ids=SUPPORTED)
def test_the_documented_versions_that_were_seen_are_those_that_are_run(supported):
    run = {version for title, version in RUN if title == supported.title}
    assert set(ROWS[supported.title][1]) == run
    assert not [it for it in run if supported.refuses(parse(it)) or supported.is_newer(parse(it))]
