"""Verdicts as a judge would give them, without evidence."""

from scenarios.checkers import Outcome, Result
from scenarios.verdict import Verdict


def verdict(outcome: Outcome, *failed: str, weaknesses: tuple[str, ...] = ()) -> Verdict:
    """A verdict in which `failed` are the ids of the violated invariants, beside one that passed."""
    results = [Result(id="INV-00", name="nothing", outcome=Outcome.PASS, checked=1)]
    results += [Result(id=name, name=name, outcome=Outcome.FAIL, checked=1, counts={"wrong": 1}) for name in failed]
    return Verdict(outcome=outcome, scenario="flash-sale", seed=1, results=tuple(results), weaknesses=weaknesses)


PASSED = verdict(Outcome.PASS)
TOO_WEAK = verdict(Outcome.INVALID, weaknesses=("nobody came",))


def violated(*invariants: str) -> Verdict:
    """A run that failed by these invariants."""
    return verdict(Outcome.FAIL, *invariants)
