"""The table of versions that people read is the one that shopctl decides by."""

from pathlib import Path

from compose.external.versions import SUPPORTED

TABLE = (Path(__file__).parents[2] / "docs" / "engines.md").read_text().split("##")[0]


def test_the_documented_versions_are_those_that_are_let_in():
    rows = [line.split("|")[1:3] for line in TABLE.splitlines() if line.startswith("| ")][1:]
    assert {title.strip(): words.strip() for title, words in rows} == {it.title: it.words for it in SUPPORTED.values()}
