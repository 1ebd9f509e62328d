import msgspec
import pytest

from compose.stack import load
from scenarios.evidence import ROW_TYPES, View, views_of
from scenarios.evidence.views import NO_VIEWS
from scenarios.snapshots import select_statement, take_snapshots

DECLARED = {service.name: service.declaration().audit for service in load().audited}
VIEWS = [view for service, audit in DECLARED.items() for view in views_of(service, audit)]
LIBRARY = {"outbox", "inbox", "dead_letters", "idempotency"}


def test_every_table_of_evidence_is_filled_by_a_view_that_some_service_declares() -> None:
    assert {view.name for view in VIEWS} == ROW_TYPES.keys() - NO_VIEWS
    assert {view.name for view in VIEWS if view.service == "search"} == {*LIBRARY, "documents"}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: f"{view.service}.{view.name}")
def test_every_column_that_a_judge_reads_is_declared(view: View) -> None:
    assert view.row is ROW_TYPES[view.name]
    if view.name not in LIBRARY:
        fields = {field.name for field in msgspec.structs.fields(view.row)} - {"service"}
        assert fields <= set(DECLARED[view.service][view.name])
    statement = select_statement(view)
    assert statement.endswith(f" FROM audit.{view.name}")
    for field in msgspec.structs.fields(view.row):
        assert (field.name == "service") or f'"{field.name}"' in statement


def test_times_are_read_as_epoch_seconds_and_texts_never_as_null() -> None:
    view = next(view for view in VIEWS if view.name == "outbox")
    statement = select_statement(view)
    assert 'extract(epoch FROM "sent_at")::float8 AS "sent_at"' in statement
    assert 'coalesce("id"::text, \'\') AS "id"' in statement
    assert '"aggregate_version"::bigint' in statement


async def test_a_database_that_is_away_is_a_problem_of_every_view_of_it() -> None:
    snapshots = await take_snapshots({"orders": "postgresql://audit@127.0.0.1:9/orders"})
    assert any(problem.startswith("orders.orders: ") for problem in snapshots.problems)
    assert any(problem.startswith("inventory.stock: no database") for problem in snapshots.problems)
