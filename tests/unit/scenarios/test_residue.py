"""No invariant blames a run for what another one left on the same fleet, whatever that was."""

from collections.abc import Callable

import pytest

from scenarios.checkers import ALL_CHECKERS, Outcome
from scenarios.evidence import Evidence, in_scope
from tests.support.anomalies import ANOMALIES
from tests.support.builders import FlashSale
from tests.support.builders.rush import with_rush
from tests.support.earlier_run import after

DAMAGES = {spoil.__name__: spoil for spoil, _, _ in ANOMALIES}


@pytest.mark.parametrize("spoil", DAMAGES.values(), ids=DAMAGES)
def test_the_damage_of_an_earlier_run_is_left_out(spoil: Callable[[Evidence], None]) -> None:
    earlier = with_rush(FlashSale().evidence())
    spoil(earlier)
    found = in_scope(after(earlier, FlashSale().evidence()))
    results = [checker.check(found) for checker in ALL_CHECKERS]
    assert {result.id: result.counts for result in results if result.outcome is not Outcome.PASS} == {}
