"""The promised figures that no benchmark measures: verdicts over a whole run, each by a command of its own."""

import msgspec


class Elsewhere(msgspec.Struct, frozen=True):
    """`commands` give it, in this order; the last one's exit code or table is the answer."""

    what: str
    goal: str
    commands: tuple[str, ...]


ELSEWHERE = (
    Elsewhere(
        "flash sale of 100 units, 10,000 buyers: sold, oversold, stuck, undersold",
        "100, 0, 0, 0",
        ("shopctl scenario run flash-sale",),
    ),
    Elsewhere(
        "50 units, 200 buyers who come at once, whole checkout",
        "50 accepted within 10 s",
        ("shopctl scenario run flash-sale --quick --set buyers=200 --set volley=200 --set units=50",),
    ),
    Elsewhere("SQL statements per request", "constant in page size, ≤ 6", ("nox -s performance -- tests/performance",)),
    Elsewhere(
        "acknowledged orders lost in kill -9 of services, workers, engines",
        "0 of ≥ 1,000 kills",
        ("nox -s kills -- --kills 1000",),
    ),
    Elsewhere(
        "double charges with ambiguous answers and tripled webhooks; reconciliation",
        "0 of ≥ 20,000 checkouts; 0.00",
        ("shopctl scenario run double-charge --set checkouts=20000",),
    ),
    Elsewhere(
        "planted defects found by their named invariant; false alarms",
        "≥ 19 of 20 runs each; 0",
        ("nox -s matrix -- --runs 20",),
    ),
    Elsewhere(
        "recovery after a removed trigger, without an operator",
        "≤ 30 s to ≥ 95 % of goodput",
        ("shopctl scenario run black-friday",),
    ),
)
