from litestar import Litestar
from litestar.testing import TestClient

from shared import metrics


def test_requests_are_counted_and_timed_by_service_method_and_status():
    metrics.observe_request("svc-a", "GET", 200, 0.003)
    metrics.observe_request("svc-a", "GET", 200, 0.3)
    metrics.observe_request("svc-a", "BREW", 500, 0.001)
    text = metrics.render().decode()
    assert 'shopstream_http_requests_total{method="GET",service="svc-a",status="200"} 2.0' in text
    assert 'shopstream_http_request_seconds_bucket{le="0.005",method="GET",service="svc-a"} 1.0' in text
    assert 'method="OTHER",service="svc-a",status="500"' in text
    assert "BREW" not in text


def test_a_watched_gauge_is_asked_when_somebody_looks():
    value = [3]
    metrics.watch("test_backlog_rows", lambda: value[0])
    assert b"shopstream_test_backlog_rows 3.0" in metrics.render()
    value[0] = 4
    assert b"shopstream_test_backlog_rows 4.0" in metrics.render()


def test_remote_calls_are_counted_by_outcome():
    metrics.observe_remote_call("svc-b", "ok")
    metrics.observe_remote_call("svc-b", "ok")
    assert b'shopstream_remote_calls_total{outcome="ok",target="svc-b"} 2.0' in metrics.render()


def test_the_endpoint_answers_a_scrape():
    with TestClient(Litestar([metrics.endpoint], openapi_config=None, logging_config=None)) as client:
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE shopstream_http_requests_total counter" in answer.text


def test_a_breaker_tells_how_far_from_closed_it_is():
    metrics.observe_breaker("svc-c", 2)
    assert b'shopstream_breaker_state{target="svc-c"} 2.0' in metrics.render()
