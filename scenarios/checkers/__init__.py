"""The catalogue of invariants. Every checker is a pure function of evidence: no clock, no network, no file.

A new checker is a module with a `CHECKER`, listed here; a test asserts that none is forgotten.
"""

from scenarios.checkers import (
    bounded_work,
    charged_once,
    constant_queries,
    correlated,
    dead_letters,
    effect_once,
    exact_money,
    idempotent,
    in_order,
    ledger_balanced,
    legal_transitions,
    limits_held,
    linearizable_stock,
    money_reconciles,
    no_cross_user,
    no_lost_write,
    no_oversell,
    no_undersell,
    nothing_silent,
    one_mail,
    outbox_complete,
    projections_agree,
    promises_kept,
    recovers,
    saga_terminal,
    stock_conserved,
    thresholds_held,
)
from scenarios.checkers.result import Checker, Example, Outcome, Result, Stake

ALL_CHECKERS: tuple[Checker, ...] = (
    stock_conserved.CHECKER,
    no_oversell.CHECKER,
    no_undersell.CHECKER,
    limits_held.CHECKER,
    charged_once.CHECKER,
    money_reconciles.CHECKER,
    ledger_balanced.CHECKER,
    exact_money.CHECKER,
    no_lost_write.CHECKER,
    idempotent.CHECKER,
    saga_terminal.CHECKER,
    legal_transitions.CHECKER,
    outbox_complete.CHECKER,
    effect_once.CHECKER,
    in_order.CHECKER,
    projections_agree.CHECKER,
    one_mail.CHECKER,
    dead_letters.CHECKER,
    linearizable_stock.CHECKER,
    nothing_silent.CHECKER,
)

MEASURED_CHECKERS: tuple[Checker, ...] = (
    bounded_work.CHECKER,
    recovers.CHECKER,
    constant_queries.CHECKER,
    no_cross_user.CHECKER,
    promises_kept.CHECKER,
    correlated.CHECKER,
    thresholds_held.CHECKER,
)
"""Those that judge what was measured of a load; only a scenario that measures it names them."""

EVERY_CHECKER: tuple[Checker, ...] = (*ALL_CHECKERS, *MEASURED_CHECKERS)

__all__ = [
    "ALL_CHECKERS",
    "EVERY_CHECKER",
    "MEASURED_CHECKERS",
    "Checker",
    "Example",
    "Outcome",
    "Result",
    "Stake",
    "named",
]


def named(*ids: str) -> tuple[Checker, ...]:
    """The checkers of these invariants, in catalogue order. Raises KeyError for an unknown id."""
    unknown = set(ids) - {checker.id for checker in EVERY_CHECKER}
    if unknown:
        raise KeyError(f"no checker for {', '.join(sorted(unknown))}")
    return tuple(checker for checker in EVERY_CHECKER if checker.id in ids)
