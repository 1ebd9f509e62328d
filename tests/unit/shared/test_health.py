import asyncio
import time

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from shared import health
from shared.health import Health, NotHealthyError, health_routes


def serve(checked: Health) -> TestClient:
    return TestClient(Litestar(health_routes(checked), openapi_config=None, logging_config=None))


def test_live_answers_whatever_the_checks_say():
    checked = Health()
    checked.add("database", refuse)
    with serve(checked) as client:
        assert (client.get("/health/live").status_code, client.get("/health/live").json()) == (200, {"status": "live"})


async def refuse() -> None:
    raise NotHealthyError("no partitions assigned")


async def answer() -> str:
    return "12 ms"


def test_ready_names_every_check():
    checked = Health()
    checked.add("redis", answer)
    with serve(checked) as client:
        assert client.get("/health/ready").json() == {
            "status": "ready",
            "checks": {"redis": {"ok": True, "detail": "12 ms"}},
        }


def test_one_failing_check_makes_the_service_not_ready():
    checked = Health()
    checked.add("redis", answer)
    checked.add("kafka", refuse)
    with serve(checked) as client:
        response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["kafka"] == {"ok": False, "detail": "no partitions assigned"}
    assert response.json()["checks"]["redis"]["ok"]


async def test_a_hanging_check_is_given_up(monkeypatch):
    monkeypatch.setattr(health, "CHECK_LIMIT_S", 0.05)
    checked = Health()

    async def hang() -> None:
        await asyncio.Event().wait()

    checked.add("a", hang)
    checked.add("b", hang)
    started = time.monotonic()
    report = await checked.ready()
    assert not report.ok
    assert time.monotonic() - started < 1
    assert "no answer within" in report.checks["a"].detail


async def test_probes_at_once_share_one_run():
    runs = 0

    async def count() -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)

    checked = Health()
    checked.add("a", count)
    await asyncio.gather(*(checked.ready() for _ in range(50)))
    assert runs == 1


async def test_a_change_shows_after_the_shared_moment(monkeypatch):
    monkeypatch.setattr(health, "ANSWER_SHARED_S", 0.0)
    state = [True]

    async def check() -> None:
        if not state[0]:
            raise NotHealthyError("gone")

    checked = Health()
    checked.add("a", check)
    assert (await checked.ready()).ok
    state[0] = False
    assert not (await checked.ready()).ok


async def test_details_carry_no_secret():
    async def leak() -> None:
        raise OSError("postgresql://u:hunter2@db")

    checked = Health()
    checked.add("a", leak)
    assert "hunter2" not in (await checked.ready()).checks["a"].detail


def test_names_are_unique():
    checked = Health()
    checked.add("a", answer)
    with pytest.raises(ValueError, match="exists already"):
        checked.add("a", answer)


async def test_only_what_is_needed_decides_whether_it_can_serve():
    checked = Health()
    checked.add("kafka", refuse)
    checked.add("database", answer, needed=True)
    assert await checked.can_serve()
    checked.add("licence", refuse, needed=True)
    assert not await checked.can_serve()
