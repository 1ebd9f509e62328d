import pytest

from shared.batches import by_halves
from shared.errors import DatabaseUnavailableError


class Attempts:
    """Doubles numbers; whatever meets one of the `bad` raises."""

    def __init__(self, *bad, error=ValueError):
        self.bad = set(bad)
        self.error = error
        self.sizes = []

    async def __call__(self, items):
        self.sizes.append(len(items))
        if self.bad & set(items):
            raise self.error("bad")
        return [2 * item for item in items]


async def test_a_batch_without_surprise_is_one_attempt():
    attempt = Attempts()
    assert await by_halves(range(5), attempt) == [0, 2, 4, 6, 8]
    assert attempt.sizes == [5]


async def test_nothing_to_do_is_no_attempt():
    attempt = Attempts()
    assert await by_halves([], attempt) == []
    assert attempt.sizes == []


@pytest.mark.parametrize("bad", [{0}, {4}, {255}, {3, 200}, set(range(10))])
async def test_only_the_item_that_surprises_pays(bad):
    outcomes = await by_halves(range(256), Attempts(*bad))
    assert {place for place, outcome in enumerate(outcomes) if isinstance(outcome, ValueError)} == bad
    assert [outcome for place, outcome in enumerate(outcomes) if place not in bad] == [
        2 * place for place in range(256) if place not in bad
    ]


async def test_one_culprit_is_found_in_few_attempts():
    attempt = Attempts(77)
    await by_halves(range(256), attempt)
    assert len(attempt.sizes) == 1 + 2 * 8


async def test_what_the_world_breaks_is_nobodys_fault_and_not_tried_again():
    attempt = Attempts(2, error=DatabaseUnavailableError)
    outcomes = await by_halves(range(4), attempt)
    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailableError] * 4
    assert attempt.sizes == [4]


async def test_an_attempt_that_forgets_an_item_is_a_failure_of_that_item():
    async def forgetful(items):
        return [item for item in items if item != 1]

    outcomes = await by_halves(range(3), forgetful)
    assert [outcomes[0], outcomes[2]] == [0, 2]
    assert isinstance(outcomes[1], AssertionError)
