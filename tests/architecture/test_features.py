"""Every feature of every service names tests that there are, and the table in the docs has them."""

import pytest

from tests.support.declared_features import (
    DECLARING,
    FOLDER,
    ROOT,
    UnknownTestError,
    declared,
    feature_rows,
    files_of_tests,
)

TABLE = (ROOT / "docs" / "features.md").read_text()


def test_every_service_and_what_they_share_declare_their_features():
    assert {path.stem for path in FOLDER.iterdir()} == set(DECLARING)


@pytest.mark.parametrize("service", DECLARING)
def test_every_feature_is_shown_by_a_test_that_there_is(service):
    features = declared(service)
    assert [feature for feature, names in features.items() if not names] == []
    assert len(feature_rows(features, files_of_tests())) == len(features) > 0


@pytest.mark.parametrize("service", DECLARING)
def test_the_table_in_the_docs_is_the_one_of_the_declarations(service):
    assert _absent(declared(service)) == [], "run nox -s features"


def _absent(features):
    return [row for row in feature_rows(features, files_of_tests()) if row not in TABLE]


def test_a_feature_that_the_table_does_not_have_is_found():
    features = declared("search")
    (names, *_) = features.values()
    assert len(_absent({**features, "a feature that nobody ever wrote down": names})) == 1


def test_a_test_that_there_is_not_shows_nothing():
    with pytest.raises(UnknownTestError, match="test_that_there_never_was"):
        feature_rows({"a feature": ["that_there_never_was"]}, files_of_tests())
