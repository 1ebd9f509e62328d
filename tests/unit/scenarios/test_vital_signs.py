"""What a process does is the difference of two of its readings."""

import pytest

from cli.top.cells import COLUMNS, cells
from scenarios.vital_signs import Glance, Reading, VitalSigns, reading, signs

BEFORE = """
# TYPE shopstream_http_requests_total counter
shopstream_http_requests_total{method="POST",service="orders",status="201"} 10
shopstream_http_request_seconds_bucket{le="0.1",method="POST",service="orders"} 10
shopstream_http_request_seconds_bucket{le="1.0",method="POST",service="orders"} 10
shopstream_http_request_seconds_bucket{le="+Inf",method="POST",service="orders"} 10
"""
AFTER = """
shopstream_http_requests_total{method="POST",service="orders",status="201"} 100
shopstream_http_requests_total{method="GET",service="orders",status="503"} 10
shopstream_http_request_seconds_bucket{le="0.1",method="POST",service="orders"} 60
shopstream_http_request_seconds_bucket{le="1.0",method="POST",service="orders"} 100
shopstream_http_request_seconds_bucket{le="+Inf",method="POST",service="orders"} 100
shopstream_http_request_seconds_bucket{le="0.1",method="GET",service="orders"} 10
shopstream_http_request_seconds_bucket{le="1.0",method="GET",service="orders"} 10
shopstream_http_request_seconds_bucket{le="+Inf",method="GET",service="orders"} 10
shopstream_consumer_lag_records 7
shopstream_outbox_backlog_rows 3
shopstream_database_connections_used 6
shopstream_database_connections_max 6
shopstream_breaker_state{target="payments"} 2
shopstream_breaker_state{target="catalog"} 0
shopstream_breaker_state{target="shipping"} 1
"""


def at(text: str, second: float) -> Reading:
    return Reading(second, reading(text).samples)


def seen(text: str = AFTER, before: str | None = BEFORE) -> VitalSigns:
    return signs(at(text, 102.0), at(before, 100.0) if before else None, name="orders-1", service="orders")


def test_rates_are_what_was_added_by_the_seconds_between():
    found = seen()
    assert found.requests_s == 50
    assert found.faults_s == 5
    assert found.faults_share == pytest.approx(0.1)


def test_the_p99_is_interpolated_in_its_bucket_over_all_methods():
    # 100 requests between the readings, 60 of them within 0.1 s: the 99th is 39/40 through (0.1 s, 1 s]
    assert seen().p99_s == pytest.approx(0.1 + 0.9 * 39 / 40)


def test_beyond_the_last_bound_the_p99_is_that_bound():
    slow = AFTER.replace('le="1.0",method="POST",service="orders"} 100', 'le="1.0",method="POST",service="orders"} 90')
    assert seen(slow).p99_s == pytest.approx(1.0)


def test_what_is_open_or_waits_is_told_as_it_is_now():
    found = seen(before=None)
    assert (found.lag, found.outbox) == (7, 3)
    assert (found.connections_used, found.connections_max) == (6, 6)
    assert found.breakers == {"payments": "open", "shipping": "half open"}


def test_without_an_earlier_reading_there_are_no_rates():
    found = seen(before=None)
    assert (found.requests_s, found.p99_s, found.faults_share) == (None, None, 0.0)


def test_nobody_who_asked_nothing_has_a_p99():
    found = seen(AFTER, before=AFTER)
    assert (found.requests_s, found.p99_s) == (0, None)


def test_the_door_is_all_gateways_as_one_and_the_slowest_ones_p99():
    one = VitalSigns(name="gateway-1", service="gateway", requests_s=10, faults_s=1, p99_s=0.2)
    two = VitalSigns(name="gateway-2", service="gateway", requests_s=30, faults_s=0, p99_s=0.5)
    away = VitalSigns(name="gateway-3", service="gateway", answers=False)
    door = Glance((one, two, away), ()).door
    assert (door.requests_s, door.faults_s, door.p99_s, door.answers) == (40, 1, 0.5, True)


def test_a_row_has_a_cell_for_each_column():
    assert len(cells(seen())) == len(COLUMNS)
    assert len(cells(VitalSigns(name="orders-1", service="orders", answers=False))) == len(COLUMNS)


def test_a_row_says_what_fails_and_what_is_open():
    words = dict(zip(COLUMNS, cells(seen()), strict=True))
    assert words["errors"] == "10 %"
    assert words["pool"] == "6/6"
    assert words["breakers"] == "payments open, shipping half open"
