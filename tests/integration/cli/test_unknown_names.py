"""What only the fleet can know not to exist is a usage error like everything else that does not."""

from collections.abc import Callable

import pytest

from tests.integration.cli.conftest import Beside
from tests.support.command_line import Said
from tests.support.unknown_names import KNOWN_BY_THE_FLEET

LINES = [" ".join((*path, rest)) for path, forms in KNOWN_BY_THE_FLEET.items() for rest in forms]


@pytest.mark.parametrize("line", LINES)
def test_a_name_the_fleet_does_not_know_is_a_usage_error(
    shopctl: Callable[..., Said], beside: Beside, line: str
) -> None:
    said = shopctl(*line.split())
    assert (said.code, said.out, len([one for one in said.lines if "Healing" not in one])) == (2, "", 2), said
    assert line.rsplit(maxsplit=1)[-1] in said.err
