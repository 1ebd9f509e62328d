"""What holds for every service's migrated database: one line of migrations, whole-number money, described views."""

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from shared.migrate import migrations_of
from tests.support.apps import DECLARED, WITH_DATABASE, consumed
from tests.support.services import database_of

LIBRARY_VIEWS = {"outbox", "inbox", "dead_letters", "idempotency"}
PERSONAL = {"email", "recipient", "phone", "shipping_address", "customer_name", "customer_email"}
INEXACT = {"real", "double precision", "numeric", "money"}
COLUMNS = """
    SELECT nspname AS schema, relname AS table, attname AS column, relkind::text AS kind,
        format_type(atttypid, NULL) AS type,
        EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p') AS keyed
    FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname IN ('public', 'audit') AND relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition
        AND attnum > 0 AND NOT attisdropped
    ORDER BY schema, "table", attnum
"""


def _scripts(service):
    config = Config()
    config.set_main_option("script_location", str(migrations_of(f"svc.{service}")))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


_columns: dict[str, list[asyncpg.Record]] = {}


async def _columns_of(engines, service):
    """Schema, table, name and type of every column of the migrated database; read once per process."""
    if service not in _columns:
        async with database_of(engines, service) as url:
            connection = await asyncpg.connect(url)
            try:
                _columns[service] = await connection.fetch(COLUMNS)
            finally:
                await connection.close()
    return _columns[service]


def _named(rows):
    return [f"{row['table']}.{row['column']} {row['type']}" for row in rows]


@pytest.mark.parametrize("service", WITH_DATABASE)
def test_migrations_form_one_line_in_the_order_of_their_file_names(service):
    scripts = _scripts(service)
    line = list(scripts.walk_revisions())[::-1]
    assert len(scripts.get_heads()) == len(scripts.get_bases()) == 1
    assert not any(step.is_branch_point or step.is_merge_point for step in line)
    files = sorted(path.name for path in (migrations_of(f"svc.{service}") / "versions").glob("*.py"))
    assert [step.path.rsplit("/", 1)[-1] for step in line] == files


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_no_column_holds_an_inexact_number(engines, service):
    columns = await _columns_of(engines, service)
    assert len(columns) > 20
    assert _named(row for row in columns if row["type"] in INEXACT) == []


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_every_amount_in_minor_units_is_a_bigint(engines, service):
    columns = await _columns_of(engines, service)
    assert _named(row for row in columns if row["column"].endswith("_minor") and row["type"] != "bigint") == []


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_every_moment_is_stored_with_its_time_zone(engines, service):
    columns = await _columns_of(engines, service)
    assert _named(row for row in columns if row["type"] == "timestamp without time zone") == []


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_the_audit_views_are_those_that_are_declared_column_by_column(engines, service):
    found: dict[str, list[str]] = {}
    for row in await _columns_of(engines, service):
        if row["schema"] == "audit":
            found.setdefault(row["table"], []).append(row["column"])
    assert found.keys() >= LIBRARY_VIEWS
    own = {name: tuple(columns) for name, columns in found.items() if name not in LIBRARY_VIEWS}
    assert own == DECLARED[service].audit


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_who_keeps_where_a_person_is_reached_is_told_when_they_are_erased(engines, service):
    kept = _named(row for row in await _columns_of(engines, service) if row["column"] in PERSONAL)
    assert not kept or "user.deleted" in consumed(service) or service == "auth", kept
    assert service not in {"auth", "orders", "shipping", "notifications"} or kept


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_every_table_has_a_primary_key(engines, service):
    tables = {row["table"] for row in await _columns_of(engines, service) if row["kind"] in {"r", "p"}}
    keyed = {row["table"] for row in await _columns_of(engines, service) if row["keyed"]}
    assert tables - keyed == set()
