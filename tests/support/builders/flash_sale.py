"""Evidence of a healthy flash sale, for the judges."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from scenarios import rare_states
from scenarios.evidence import Evidence, FaultFired, PurchaseLimit, RunFacts, SupplyStep, Threshold
from scenarios.history import OrderAnswer, OrderAttempt, Record, WantedLine
from tests.support.builders.fleet_rows import (
    CURRENCY,
    HISTORY_ORIGIN_AT,
    LOAD_STARTED_AT,
    SKU,
    STARTED_AT,
    SUBSCRIPTIONS,
    TOTAL_MINOR,
    FleetRows,
    fixed_id,
)


def as_read(value: Any) -> Any:
    """A value of the history as it comes back from its file."""
    return msgspec.json.decode(msgspec.json.encode(value))


@dataclass
class FlashSale:
    """A healthy sale of `supply` units to `buyers` customers, one unit each, as consistent evidence.

    Among the first buyers: one whose first try times out and who tries again with the same key, one who
    clicks twice, one whose card is declined (the unit is sold again), one who never learns that he won,
    and one who comes back for a second unit and is refused by the limit of one.
    """

    buyers: int = 24
    supply: int = 8
    arrival_s: float = 0.05
    answer_s: float = 0.12
    seed: int = 7
    defect: str | None = None
    history: list[Record] = field(default_factory=list)
    fleet: FleetRows = field(default_factory=FleetRows)
    _processes: int = 0

    def evidence(self) -> Evidence:
        """Builds everything; call it once."""
        self.fleet.open_stock(self.supply)
        self._sell()
        self.history.sort(key=lambda record: (record.time_s, record.index))
        self.history = [msgspec.structs.replace(record, index=index) for index, record in enumerate(self.history)]
        self.fleet.tables.movements.sort(key=lambda row: row.created_at)
        last_s = self.history[-1].time_s
        return Evidence(
            facts=self.facts(load_ended_at=HISTORY_ORIGIN_AT + last_s),
            history=self.history,
            audit=self.fleet.tables,
            journals=self.fleet.journals,
        )

    def facts(self, *, load_ended_at: float) -> RunFacts:
        return RunFacts(
            scenario="flash-sale",
            title="Flash sale inventory oversell",
            seed=self.seed,
            defect=self.defect,
            started_at=STARTED_AT,
            load_started_at=LOAD_STARTED_AT,
            load_ended_at=load_ended_at,
            quiesced_at=load_ended_at + 3.0,
            ended_at=load_ended_at + 4.0,
            history_origin_at=HISTORY_ORIGIN_AT,
            skus=[SKU],
            scarce_skus=[SKU],
            supply=[SupplyStep(SKU, self.supply, STARTED_AT, STARTED_AT + 0.1, opening=True)],
            limits=[PurchaseLimit(SKU, 1)],
            faults=[
                FaultFired(
                    "pause",
                    LOAD_STARTED_AT + 0.3,
                    "inventory-1",
                    confirmed=True,
                    probe="state T",
                    healed_at=LOAD_STARTED_AT + 0.5,
                )
            ],
            required=[rare_states.LAST_UNIT_RACED.id, rare_states.DECLINED_AFTER_HOLD.id],
            watched=[rare_states.PAUSED_IN_SAGA.id],
            subscriptions=SUBSCRIPTIONS,
            psp_idempotency=False,
            log_lines=1_000,
            figures={"load": {"p95_ms": 40.0}},
            thresholds=[Threshold(figure="p95_ms", most=50.0)],
        )

    # the sale, buyer by buyer

    def _sell(self) -> None:
        left = self.supply
        back_at = float("inf")
        for number in range(self.buyers):
            at = 1.0 + number * self.arrival_s
            if back_at <= at:
                left, back_at = left + 1, float("inf")
            if left == 0:
                self._refused(number, at, unknown=number == self.buyers - 2)
                continue
            left -= 1
            order_id = self._won(number, at)
            if number == 3:
                back_at = at + 0.5
                self.fleet.declined(order_id, number, HISTORY_ORIGIN_AT + at)
            else:
                self.fleet.fulfilled(order_id, number, HISTORY_ORIGIN_AT + at)
        self._limited(0, 1.0 + self.buyers * self.arrival_s)

    def _won(self, number: int, at: float) -> str:
        order_id = fixed_id("order", number)
        if number == 1:
            self._attempt(number, at - 0.4, "info", error="timeout", took_s=0.35)
        if number == 4:
            self._attempt(number, at, "info", error="timeout", took_s=1.0)
            return order_id
        self._attempt(number, at, "ok", order_id=order_id, replayed=number == 1)
        if number == 2:
            self._attempt(number, at + 0.03, "ok", order_id=order_id, replayed=True)
        return order_id

    def _refused(self, number: int, at: float, *, unknown: bool) -> None:
        if unknown:
            self._attempt(number, at, "info", error="timeout", took_s=0.5)
        else:
            self._attempt(number, at, "fail", error="insufficient_stock")
        self.fleet.refused(fixed_id("order", number), number, HISTORY_ORIGIN_AT + at)

    def _limited(self, number: int, at: float) -> None:
        self._attempt(number, at, "fail", error="purchase_limit_exceeded", key=f"key-{number}-again")

    def _attempt(
        self,
        number: int,
        at: float,
        kind: str,
        *,
        error: str = "",
        order_id: str = "",
        replayed: bool = False,
        took_s: float | None = None,
        key: str = "",
    ) -> None:
        self._processes += 1
        value: Any = OrderAttempt(
            customer_id=fixed_id("customer", number),
            lines=(WantedLine(SKU, 1),),
            payment_method="tok_declined" if number == 3 else "tok_visa",
            fingerprint="body-1",
        )
        common = {
            "process": self._processes,
            "function": "place_order",
            "key": key or f"key-{number}",
            "trace_id": fixed_id("trace", number).replace("-", ""),
        }
        index = len(self.history)
        self.history.append(Record(index=index, time_s=at, type="invoke", value=as_read(value), **common))
        answer: Any = None
        if kind == "ok":
            answer = OrderAnswer(
                status_code=201,
                order_id=order_id,
                status="reserved",
                total_minor=TOTAL_MINOR,
                currency=CURRENCY,
                replayed=replayed,
                answer_sha256=hashlib.sha256(order_id.encode()).hexdigest(),
            )
        elif kind == "fail":
            answer = OrderAnswer(status_code=409)
        self.history.append(
            Record(
                index=index + 1,
                time_s=at + (took_s or self.answer_s),
                type=kind,
                value=as_read(answer),
                error=error,
                **common,
            )
        )
