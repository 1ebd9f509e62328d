"""One fleet for the drills of a file."""

from collections.abc import Iterator

import pytest

from tests.support.operator import Operator, running_fleet


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with running_fleet(tmp_path_factory) as one:
        yield one
