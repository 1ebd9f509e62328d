import msgspec
import pytest

from scenarios.evidence import VIEWS, AuditTables, View
from scenarios.snapshots import select_statement, take_snapshots


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: f"{view.service}.{view.name}")
def test_every_view_is_read_into_its_table(view: View) -> None:
    assert view.table in AuditTables.__struct_fields__
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
