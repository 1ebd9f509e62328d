"""What Locust measured, as figures and curves."""

from pathlib import Path

import msgspec
import pytest

from loadtests.measured import Entry, Measured, Moment, read_measured

ENTRY = Entry(name="POST /orders", requests=10, errors=1, shed=2, p50_ms=20, p95_ms=90, p99_ms=95)


def moment(number: int, *, good: float, p95_ms: float = 50.0) -> Moment:
    return Moment(
        at=1_000.0 + number, users=10 * number, requests_per_s=good + 1, failures_per_s=1, p50_ms=10, p95_ms=p95_ms
    )


def measured(*moments: Moment) -> Measured:
    return Measured(
        seconds=4, workers=2, total=ENTRY, entries=(ENTRY,), errors={"overloaded": 2}, crashed=(), moments=moments
    )


def test_failures_are_errors_or_shed_and_shares_are_of_all_requests():
    figures = measured().figures
    assert (figures["errors_share"], figures["shed_share"], figures["requests_per_s"]) == (0.1, 0.2, 2.5)
    assert figures["POST /orders: p95_ms"] == 90


def test_a_shop_that_breaks_down_keeps_little_of_its_best():
    steady = [moment(n, good=100) for n in range(8)]
    broken = [*steady[:6], moment(6, good=10), moment(7, good=0)]
    assert measured(*steady).figures["goodput_kept"] == 1.0
    assert measured(*broken).figures["goodput_kept"] == pytest.approx(0.05)
    assert measured(*broken).figures["goodput_best_per_s"] == 100


def test_a_shop_that_gets_slower_drifts():
    slower = [moment(n, good=100, p95_ms=40 * n) for n in range(8)]
    assert measured(*slower).figures["p95_drift"] == pytest.approx((240 + 280) / (80 + 120))
    assert measured(*[moment(n, good=1) for n in range(8)]).figures["p95_drift"] == 1.0


def test_curves_count_from_the_beginning_of_the_load():
    requests, times, crowd = measured(moment(1, good=5), moment(2, good=6)).charts(since_at=1_000.0)
    assert requests.curves == {"all": [(1.0, 6.0), (2.0, 7.0)], "failed": [(1.0, 1.0), (2.0, 1.0)]}
    assert set(times.curves) == {"p50", "p95"}
    assert crowd.curves["people"][-1] == (2.0, 20.0)


def test_it_is_read_back_and_a_missing_file_is_none(tmp_path: Path):
    path = tmp_path / "measured.json"
    assert read_measured(path) is None
    path.write_bytes(msgspec.json.encode(measured()))
    assert read_measured(path) == measured()
