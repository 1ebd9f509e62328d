import pytest

from shared import deadline, retry
from shared.errors import Kind, Refusal, RemoteUnavailableError
from shared.retry import RetryBudget, retrying


class No(Refusal):
    code = "no"
    kind = Kind.CONFLICT


class Flaky:
    def __init__(self, *outcomes: Exception | str) -> None:
        self.outcomes = list(outcomes)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        outcome = self.outcomes[min(self.calls, len(self.outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


DOWN = RemoteUnavailableError("down")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(retry, "WAIT_INITIAL_S", 0.001)
    monkeypatch.setattr(retry, "WAIT_JITTER_S", 0.001)


async def test_success_is_returned_at_once():
    operation = Flaky("fine")
    assert await retrying(operation, attempts=3, on=RemoteUnavailableError) == "fine"
    assert operation.calls == 1


async def test_a_passing_failure_is_repeated():
    operation = Flaky(DOWN, DOWN, "fine")
    assert await retrying(operation, attempts=3, on=RemoteUnavailableError) == "fine"


@pytest.mark.parametrize("attempts", [1, 2, 4])
async def test_attempts_are_bounded_and_the_last_error_is_raised(attempts):
    operation = Flaky(DOWN)
    with pytest.raises(RemoteUnavailableError):
        await retrying(operation, attempts=attempts, on=RemoteUnavailableError)
    assert operation.calls == attempts


@pytest.mark.parametrize(
    ("error", "on"),
    [
        (No("x"), Exception),
        (ValueError("x"), RemoteUnavailableError),
        (TimeoutError("x"), OSError),
        (TimeoutError("x"), Exception),
    ],
)
async def test_refusals_strangers_and_ones_own_timeouts_are_not_repeated(error, on):
    operation = Flaky(error)
    with pytest.raises(type(error)):
        await retrying(operation, attempts=3, on=on)
    assert operation.calls == 1


async def test_a_timeout_is_repeated_when_named():
    operation = Flaky(TimeoutError("x"), "fine")
    assert await retrying(operation, attempts=2, on=(TimeoutError,)) == "fine"


async def test_a_different_error_on_a_repeat_is_judged_anew():
    operation = Flaky(DOWN, No("x"))
    with pytest.raises(No):
        await retrying(operation, attempts=5, on=lambda error: isinstance(error, RemoteUnavailableError))
    assert operation.calls == 2


async def test_nothing_is_repeated_after_the_deadline():
    operation = Flaky(DOWN)
    with deadline.within(0), pytest.raises(RemoteUnavailableError):
        await retrying(operation, attempts=5, on=RemoteUnavailableError)
    assert operation.calls == 1


async def test_repeating_stops_at_the_deadline(monkeypatch):
    monkeypatch.setattr(retry, "WAIT_INITIAL_S", 0.03)
    operation = Flaky(DOWN)
    with deadline.within(0.1), pytest.raises(RemoteUnavailableError):
        await retrying(operation, attempts=10, on=RemoteUnavailableError)
    assert operation.calls < 10


async def test_a_failing_callee_gets_little_more_than_the_first_attempts():
    budget = RetryBudget(ratio=0.1, reserve=10)
    operation = Flaky(DOWN)
    for _ in range(200):
        with pytest.raises(RemoteUnavailableError):
            await retrying(operation, attempts=3, on=RemoteUnavailableError, budget=budget)
    assert 200 <= operation.calls <= 200 + 10 + 20


async def test_the_last_attempt_spends_nothing():
    budget = RetryBudget(ratio=0, reserve=2)
    with pytest.raises(RemoteUnavailableError):
        await retrying(Flaky(DOWN), attempts=2, on=RemoteUnavailableError, budget=budget)
    assert budget.spend()
    assert not budget.spend()


async def test_attempts_have_a_bound():
    with pytest.raises(ValueError, match="attempts"):
        await retrying(Flaky("x"), attempts=1_000, on=OSError)
