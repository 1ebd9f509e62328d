"""Reports by mail: to one's own address alone, each asked for once, ended, forgotten with the person."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from shared.clock import FixedClock
from shared.contracts.analytics import ReportReady
from shared.contracts.auth import UserDeleted
from shared.identity import Principal
from shared.jobs_queue import JobGivenUpError, JobQueue
from svc.analytics.jobs import ReportMails
from tests.support.builders.shop_events import NOON, Order, told
from tests.support.probes import person
from tests.support.reporting import record, settle
from tests.support.rows import database_for
from tests.support.services import publish, served, topics, until
from tests.support.statements import API_ONLY

pytestmark = pytest.mark.service("analytics")

NET = {"dataset": "revenue", "group_by": ["currency"], "columns": [{"name": "net", "expression": "paid - refunded"}]}
SCHEDULES = "/api/v1/reports/schedules"
DUE_AT = datetime(2026, 1, 3, 6, tzinfo=UTC)


async def _scheduled(analytics, who, *, name="net", report=NET, **more):
    _, saved = await analytics.call("POST", "/api/v1/reports/saved", json={"name": name, "report": report})
    wanted = {"report_id": saved["id"], "cadence": "daily", "hour": 6, "days": 2} | more
    status, schedule = await analytics.call("POST", SCHEDULES, json=wanted, principal=who)
    assert status == 201, schedule
    return schedule


async def _due(database, schedule):
    async with database.acquire() as connection:
        await connection.execute(
            "UPDATE report_schedules SET next_at = $2, ends_at = $2::timestamptz + interval '9 days' WHERE id = $1",
            UUID(schedule["id"]),
            DUE_AT,
        )


async def _asked_for(database):
    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT payload FROM outbox WHERE type = 'report.ready' ORDER BY position")
    return [msgspec.convert(msgspec.json.decode(row["payload"])["data"], ReportReady) for row in rows]


def _mails(analytics, database, at=DUE_AT):
    queue = JobQueue(analytics.settings.redis_url, prefix=analytics.settings.prefix, service="analytics")
    return ReportMails(database, queue, FixedClock(at)), queue


async def test_a_due_report_is_asked_for_once_however_often_its_job_runs(engines, prefix):
    async with (
        served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics,
        database_for(analytics) as database,
    ):
        order = Order()
        await record(database, order.captured(), order.refunded(500))
        await settle(database)
        who = person("support")
        schedule = await _scheduled(analytics, who)
        mails, _ = _mails(analytics, database, at=DUE_AT - timedelta(seconds=1))
        await _due(database, schedule)
        await mails.mail(schedule["id"])
        assert await _asked_for(database) == []  # not yet
        mails, _ = _mails(analytics, database, at=DUE_AT + timedelta(minutes=5))
        await asyncio.gather(*(mails.mail(schedule["id"]) for _ in range(5)))
        (mail,) = await _asked_for(database)
        assert (mail.email, mail.owner_id) == (who.email, UUID(who.subject))
        assert (mail.title, mail.since, mail.until) == ("net", NOON.date() - timedelta(days=1), NOON.date())
        assert (mail.columns, mail.rows, mail.more) == (["currency", "net"], [["EUR", "25.00"]], False)
        (now,) = (await analytics.call("GET", SCHEDULES, principal=who))[1]["items"]
        assert (now["sent"], now["last_error"]) == (1, None)
        assert datetime.fromisoformat(now["next_at"]) == DUE_AT + timedelta(days=1)


async def test_a_due_report_is_found_by_the_timetable(engines, prefix):
    async with (
        served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics,
        database_for(analytics) as database,
    ):
        due = await _scheduled(analytics, person("admin"))
        await _scheduled(analytics, person("admin"), name="later")
        await _due(database, due)
        mails, queue = _mails(analytics, database)
        await queue.open()
        try:
            for _ in range(2):
                await mails.find()
            assert await queue.saq.count("queued") == 1
        finally:
            await queue.close()


async def test_a_report_that_is_not_understood_any_more_is_a_dead_job_and_due_again_another_time(engines, prefix):
    async with (
        served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics,
        database_for(analytics) as database,
    ):
        who = person("admin")
        schedule = await _scheduled(analytics, who)
        await _due(database, schedule)
        async with database.acquire() as connection:
            await connection.execute('UPDATE saved_reports SET definition = definition || \'{"having": "gone > 1"}\'')
        mails, _ = _mails(analytics, database)
        with pytest.raises(JobGivenUpError, match="gone"):
            await mails.mail(schedule["id"])
        await mails.mail(schedule["id"])  # a second time it is no longer due
        assert await _asked_for(database) == []
        (now,) = (await analytics.call("GET", SCHEDULES, principal=who))[1]["items"]
        assert (now["sent"], "gone" in now["last_error"]) == (0, True)


async def test_nobody_sees_ends_or_addresses_what_another_has_mailed(engines, prefix):
    async with served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics:
        ann, bob = person("support"), person("admin")
        schedule = await _scheduled(analytics, ann)
        assert schedule["email"] == ann.email
        assert (await analytics.call("GET", SCHEDULES, principal=bob))[1]["items"] == []
        target = f"{SCHEDULES}/{schedule['id']}"
        assert (await analytics.call("DELETE", target, principal=bob))[0] == 404
        wanted = {
            "report_id": schedule["report_id"],
            "cadence": "daily",
            "hour": 6,
            "days": 1,
            "email": "x@example.com",
        }
        assert (await analytics.call("POST", SCHEDULES, json=wanted, principal=bob))[0] == 400
        assert [(await analytics.call("DELETE", target, principal=ann))[0] for _ in range(2)] == [204, 404]


async def test_what_cannot_be_scheduled_says_why(engines, prefix, monkeypatch):
    monkeypatch.setattr("svc.analytics.handlers.scheduling.SCHEDULES_MAX", 2)
    async with served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics:
        who = person("support")
        schedule = await _scheduled(analytics, who)
        wanted = {"report_id": schedule["report_id"], "cadence": "daily", "hour": 6, "days": 1}

        async def refusal(principal=who, **more):
            status, problem = await analytics.call("POST", SCHEDULES, json=wanted | more, principal=principal)
            return status, problem.get("code")

        assert await refusal() == (409, "schedule_exists")
        assert await refusal(report_id=str(uuid4())) == (404, "report_not_found")
        assert await refusal(Principal(str(uuid4()), frozenset({"admin"}))) == (422, "no_address")
        assert await refusal(hour=24) == (400, "invalid_body")
        results = await asyncio.gather(*(refusal(hour=hour) for hour in range(8, 14)))
        assert sorted(results, key=str) == [(201, None)] + [(422, "too_many_schedules")] * 5


async def test_deleting_a_report_ends_its_mails(engines, prefix):
    async with served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics:
        who = person("support")
        schedule = await _scheduled(analytics, who)
        assert (await analytics.call("DELETE", f"/api/v1/reports/saved/{schedule['report_id']}"))[0] == 204
        assert (await analytics.call("GET", SCHEDULES, principal=who))[1]["items"] == []


async def test_who_is_erased_gets_no_more_reports(engines, prefix):
    async with topics(engines, prefix), served(engines, "analytics", prefix=prefix) as analytics:
        ann, bob = person("support"), person("support")
        await _scheduled(analytics, ann)
        await _scheduled(analytics, bob, name="other")
        user_id = UUID(ann.subject)
        await publish(engines, prefix, told(UserDeleted(user_id=user_id), user_id))

        async def forgotten():
            return (await analytics.call("GET", SCHEDULES, principal=ann))[1]["items"] == []

        await until(forgotten)
        assert len((await analytics.call("GET", SCHEDULES, principal=bob))[1]["items"]) == 1
