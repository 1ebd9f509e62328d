"""Evidence of a day with a trigger, laid over the evidence of a healthy sale: visitors before, during and after it."""

from dataclasses import replace

import msgspec

from scenarios.checkers.promises_kept import ready_at
from scenarios.evidence import Course, Evidence, FaultFired
from scenarios.history import OrderAttempt, Record
from scenarios.resilience import LOOK, PLACE_ORDER, SEARCH
from tests.support.builders.flash_sale import FlashSale
from tests.support.builders.fleet_rows import HISTORY_ORIGIN_AT, LOAD_STARTED_AT

BASELINE_AT = LOAD_STARTED_AT + 10.0
TROUBLE_AT = BASELINE_AT + 8.0
SURGE_AT = TROUBLE_AT + 7.0
CALM_AT = SURGE_AT + 8.0
ENDED_AT = CALM_AT + 20.0
EVERY_S = 0.1
ANSWER_S = 0.05
WORK = {"loads per product forgotten": 1.0, "loads per product forgotten bound": 2.0}
QUERIES = {"products: 1": 1.1, "products: 20": 1.2}


def with_rush(evidence: Evidence) -> Evidence:
    """The same evidence and a day of visitors, all of whom are answered well; the index is away before the surge."""
    facts = msgspec.structs.replace(
        evidence.facts,
        figures={**evidence.facts.figures, "work": dict(WORK), "queries": dict(QUERIES)},
        faults=[
            *evidence.facts.faults,
            FaultFired(
                "blackhole",
                TROUBLE_AT,
                "search:elasticsearch",
                confirmed=True,
                probe="no answer",
                bit_at=TROUBLE_AT + 0.2,
                healed_at=SURGE_AT - 0.2,
            ),
        ],
        course=Course(
            baseline_at=BASELINE_AT,
            baseline_until=TROUBLE_AT,
            surge_at=SURGE_AT,
            surge_until=CALM_AT,
            ended_at=ENDED_AT,
            good_within_s=1.0,
            recovery_s_max=10.0,
        ),
    )
    history = list(evidence.history)
    process = max((record.process for record in history), default=0)
    steps = round((ENDED_AT - BASELINE_AT) / EVERY_S)
    for number in range(steps):
        at = BASELINE_AT + number * EVERY_S
        process += 1
        ask(history, process, SEARCH if number % 4 == 0 else LOOK, at=at)
        if number % 10 == 0:
            process += 1
            away = TROUBLE_AT + 0.2 <= at < SURGE_AT - 0.2
            ask(history, process, ready_at("search"), at=at + 0.01, error="503" if away else "")
    return replace(evidence, facts=facts, history=history)


def rush_alone() -> Evidence:
    """A day with a trigger on which nothing else was going on; quickly made."""
    sale = FlashSale()
    return with_rush(Evidence(facts=sale.facts(load_ended_at=ENDED_AT), history=[]))


def between(evidence: Evidence, from_at: float, until_at: float, *functions: str) -> list[int]:
    """Where, in the history, the answers stand of what began then."""
    began = {
        record.process
        for record in evidence.history
        if record.type == "invoke"
        and record.function in functions
        and from_at <= HISTORY_ORIGIN_AT + record.time_s < until_at
    }
    return [
        index
        for index, record in enumerate(evidence.history)
        if record.process in began and record.type != "invoke" and record.function in functions
    ]


def unanswered(evidence: Evidence, from_at: float, until_at: float, *functions: str) -> None:
    """What began then never learned."""
    for index in between(evidence, from_at, until_at, *functions):
        evidence.history[index] = msgspec.structs.replace(evidence.history[index], type="info", error="TimeoutError")


def ask(history: list[Record], process: int, function: str, *, at: float, error: str = "") -> None:
    time_s = at - HISTORY_ORIGIN_AT
    index = len(history)
    wanted = OrderAttempt("visitor", ()) if function == PLACE_ORDER else None
    history.append(Record(index=index, time_s=time_s, process=process, type="invoke", function=function, value=wanted))
    history.append(
        Record(
            index=index + 1,
            time_s=time_s + ANSWER_S,
            process=process,
            type="fail" if error else "ok",
            function=function,
            error=error,
        )
    )
