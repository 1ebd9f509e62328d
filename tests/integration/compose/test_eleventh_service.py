"""One more service is an entry in the stack definition and one package with its declaration, and nothing else."""

import os
from pathlib import Path
from textwrap import dedent
from typing import Any

import aiohttp
import pytest

from compose import launch
from compose.layout import Layout
from compose.stack import STACK_FILE
from scenarios.fleet import Fleet
from scenarios.quiescence import quiesce
from scenarios.snapshots import take_snapshots
from tests.support.services import until

REPOSITORY = Path(__file__).parents[3]
ENTRY = """
[[components]]
name = "gifts"
kind = "service"
argument = "gifts"
port = 10
depends_on = ["postgres", "redis", "kafka"]
database = true
"""
PACKAGE = {
    "__init__.py": "",
    "service.toml": """
        part = "gifts"
        consumes = ["order.paid"]

        [[routes]]
        path = "/api/v1/gifts"
        class = "browse"
        access = "read_freely"

        [audit]
        security_events = ["at", "kind", "subject", "detail"]

        [open_work]
        "unwrapped gifts" = "SELECT count(*) FROM audit.security_events WHERE kind = 'unwrapped' AND at >= $1"

        [story]
        gift = "SELECT at, kind AS what, detail FROM audit.security_events WHERE subject = $1::text"
        """,
    "settings.py": """
        from shared.settings import ServiceSettings


        class Settings(ServiceSettings, frozen=True, kw_only=True):
            service: str = "gifts"
        """,
    "app.py": """
        from litestar import get

        from shared.contracts.orders import OrderPaid
        from shared.service import Runtime
        from shared.service_parts import ServiceParts


        @get("/api/v1/gifts", opt={"public": True})
        async def gifts() -> list[str]:
            return ["teapot"]


        async def wrap(uow, envelope) -> None:
            await uow.connection.execute("INSERT INTO gifts VALUES (now(), 'unwrapped', $1, '')", envelope.aggregate_id)


        def create_app(settings):
            runtime = Runtime(settings, ServiceParts())
            return runtime.application(route_handlers=[gifts], subscription={OrderPaid: wrap})
        """,
    "migrations/versions/0001_gifts.py": """
        from alembic import op

        from shared import library_tables

        revision = "0001"
        down_revision = None
        branch_labels = None
        depends_on = None


        def upgrade():
            library_tables.create_v1(op.execute)
            op.execute("CREATE TABLE gifts (at timestamptz, kind text, subject text, detail text)")
            op.execute("INSERT INTO gifts VALUES (now() + interval '1 hour', 'unwrapped', 'teapot', 'blue')")
            op.execute("CREATE VIEW audit.security_events AS SELECT at, kind, subject, detail FROM gifts")
            library_tables.grant_audit(op.execute)
        """,
}


@pytest.fixture
def eleven(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The layout of a stack of eleven services; the eleventh lies in a tree of its own."""
    for name, text in PACKAGE.items():
        file = tmp_path / "gifts" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
    stack_file = tmp_path / "stack.toml"
    stack_file.write_text(STACK_FILE.read_text() + ENTRY)
    monkeypatch.setenv("SHOPSTREAM_STACK_FILE", str(stack_file))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(REPOSITORY), str(tmp_path))))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield layout
    launch.down(layout.home, wipe=True)


@pytest.mark.timeout(240)
async def test_a_service_that_is_declared_is_booted_routed_to_judged_and_waited_for(eleven: Layout) -> None:
    launch.up(eleven.home, port_base=eleven.port_base, names=["gateway", "gifts"])
    async with aiohttp.ClientSession() as http, Fleet.running(eleven.home) as fleet:
        assert await until(lambda: _got(http, fleet.gateway_url + "/api/v1/gifts")) == ["teapot"]
        assert (await http.post(fleet.gateway_url + "/api/v1/gifts")).status == 401
        status = await _got(http, fleet.gateway_url + "/api/v1/status")
        assert [part["status"] for part in status["parts"] if part["name"] == "gifts"] == ["ok"]
        document = await _got(http, fleet.gateway_url + "/openapi/openapi.json")
        assert document["paths"]["/api/v1/gifts"]["get"]["operationId"].startswith("gifts.")

        waits_for = (await quiesce(fleet, since=0.0, deadline_s=0.0)).waits_for
        assert {name: count for name, count in waits_for.items() if name.startswith("gifts")} == {
            "gifts: unwrapped gifts": 1
        }
        assert fleet.subscriptions()["gifts"] == ["order.paid"]
        snapshots = await take_snapshots(fleet.audit_urls())
        assert [problem for problem in snapshots.problems if problem.startswith("gifts")] == []
        (chapter,) = await fleet.rows("gifts", fleet.declared["gifts"].story["gift"], "teapot")
        assert (chapter["what"], chapter["detail"]) == ("unwrapped", "blue")


async def _got(http: aiohttp.ClientSession, url: str) -> Any:
    async with http.get(url) as answer:
        return await answer.json() if answer.status == 200 else None
