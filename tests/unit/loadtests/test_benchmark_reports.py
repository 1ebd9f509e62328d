"""What the figures of a report say of its measurements, and when a goal counts as missed."""

import random

import msgspec
import pytest

from loadtests.benchmarks import boot, checkout_cost, event_latency, hot_row, memory, reading, seed_rate, single_flight
from loadtests.benchmarks.wire_load import LoadResult
from scenarios import seeding

STARTED = boot.Measured(4.0, [4.0], {})
ENGINE = boot.Measured(2.0, [2.0], {})
ORDER = checkout_cost.Measured(50.0, 30.0, 15.0, 5.0, processes={})
HELD = memory.Held(900.0, {"engine": 400.0, "service": 450.0}, {})
READ = reading.Measured(1.5, 300.0, 20.0, 40.0, processes={})
BARE = reading.Measured(0.5, 600.0, 10.0, 20.0, processes={})
SPREAD = event_latency.Spread(100.0, 900.0, 950.0)
FLOOR = event_latency.Spread(5.0, 20.0, 25.0)
RESERVED = hot_row.Measured(5_000.0, [5_000.0])

BOOT = boot.Report(cold=STARTED, warm=STARTED, floor_cold=ENGINE, floor=ENGINE)
CHECKOUT = checkout_cost.Report(
    orders=10, put_off=0, per_s=20, idle_percent=5, floor=0.5, through_cart=ORDER, direct=ORDER
)
MEMORY = memory.Report(
    size="m",
    floor=memory.Bare(10, 300.0, 1.0),
    seeded=HELD,
    sale="PASS",
    after_sale=HELD,
    idle_percent=4.0,
    idle_ms_per_s={},
)
READING = reading.Report(
    size="m", rounds=1, requests_per_round=1, floor=BARE, floor_page=BARE, products=READ, page=READ, search=READ
)
SEEDING = seed_rate.Report(size="l", products=50_000, rows=150_000, seconds=50.0, rest_s=20.0, floor=[1.0, 2.0, 4.0])
LATENCY = event_latency.Report(
    orders=10, put_off=0, per_s=50, floor=FLOOR, accepted=SPREAD, applied=SPREAD, paid=SPREAD, consumers={}
)
RESERVING = hot_row.Report(
    buyers=64,
    seconds=1,
    fsync="off",
    floor_by="pgbench",
    floor=hot_row.Measured(1_000.0, [1_000.0]),
    floor_single=hot_row.Measured(900.0, [900.0]),
    in_process=RESERVED,
    over_http=RESERVED,
)
READERS = single_flight.Report(
    readers=500,
    reads_per_reader=2,
    loads=[1, 2, 1],
    hit_ratio=0.99,
    p50_ms=5.0,
    p95_ms=9.0,
    floor=LoadResult(1_000, 1.0, {200: 1_000}, p50_ms=10.0, p95_ms=20.0, p99_ms=30.0),
)


def changed(report, **values):
    return msgspec.structs.replace(report, **values)


@pytest.mark.parametrize("report", [BOOT, CHECKOUT, MEMORY, READING, SEEDING, LATENCY, RESERVING, READERS])
def test_a_report_that_keeps_its_goals_has_reached_them(report):
    assert report.reached
    assert any(one.goal is not None for one in report.figures)


@pytest.mark.parametrize(
    "report",
    [
        changed(BOOT, warm=boot.Measured(4.01, [4.01], {})),
        changed(BOOT, cold=boot.Measured(9.01, [9.01], {})),
        changed(CHECKOUT, through_cart=checkout_cost.Measured(60.1, 30.0, 15.0, 5.0, processes={})),
        changed(CHECKOUT, put_off=1),
        changed(MEMORY, seeded=changed(HELD, all=1_001.0)),
        changed(MEMORY, after_sale=changed(HELD, kinds={"engine": 451.0, "service": 450.0})),
        changed(MEMORY, after_sale=changed(HELD, kinds={"engine": 450.0, "service": 501.0})),
        changed(MEMORY, idle_percent=5.1),
        changed(READING, products=changed(READ, cpu_ms=2.1)),
        changed(READING, page=changed(READ, p95_ms_at_70=50.1)),
        changed(SEEDING, seconds=60.1),
        changed(LATENCY, applied=event_latency.Spread(150.1, 900.0, 950.0)),
        changed(LATENCY, put_off=1),
        changed(RESERVING, in_process=hot_row.Measured(4_990.0, [])),
        changed(RESERVING, over_http=hot_row.Measured(1_990.0, [])),
        changed(READERS, loads=[1, 3, 1]),
    ],
)
def test_one_goal_missed_is_a_miss(report):
    assert not report.reached


def test_the_floor_of_a_boot_is_the_engine_that_takes_longest_by_its_median():
    rounds = [{"fast": 1.0, "slow": 2.0}, {"fast": 9.0, "slow": 3.0}, {"fast": 1.1, "slow": 4.0}]
    assert boot.slowest(rounds) == boot.Measured(3.0, [2.0, 3.0, 4.0], {"fast": 1.1, "slow": 3.0})


def test_a_memory_without_a_sale_tells_of_none():
    assert not any("sale" in one.what for one in changed(MEMORY, after_sale=None).figures)


def test_a_smaller_seeding_has_no_goal_and_the_median_copy_beside_it():
    first = changed(SEEDING, size="s", seconds=600.0).figures[0]
    assert (first.goal, first.beside_measured, first.ratio) == (None, 2.0, 300.0)


def test_every_variant_of_the_seeding_is_a_row_of_the_copy():
    rows = seed_rate.rows_of(seeding.products(4, random.Random(1)))
    assert len(rows) == 12
    assert {len(row) for row in rows} == {len(seed_rate.COLUMNS)}
    assert len({row[0] for row in rows}) == 12
