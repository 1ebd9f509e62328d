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
        _columns[service] = await _columns_after(engines, service)
    return _columns[service]


async def _columns_after(engines, service, *statements):
    async with database_of(engines, service) as url:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
            return await connection.fetch(COLUMNS)
        finally:
            await connection.close()


def _inexact(columns):
    return _named(row for row in columns if row["type"] in INEXACT)


def _small_amounts(columns):
    return _named(row for row in columns if row["column"].endswith("_minor") and row["type"] != "bigint")


def _without_time_zone(columns):
    return _named(row for row in columns if row["type"] == "timestamp without time zone")


def _views(columns):
    """View of the schema audit → its columns, but for those of the library."""
    found: dict[str, list[str]] = {}
    for row in columns:
        if row["schema"] == "audit":
            found.setdefault(row["table"], []).append(row["column"])
    assert found.keys() >= LIBRARY_VIEWS
    return {name: tuple(names) for name, names in found.items() if name not in LIBRARY_VIEWS}


def _personal(columns):
    return _named(row for row in columns if row["column"] in PERSONAL)


def _keyless(columns):
    tables = {row["table"] for row in columns if row["kind"] in {"r", "p"}}
    return tables - {row["table"] for row in columns if row["keyed"]}


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
    assert _inexact(columns) == []


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_every_amount_in_minor_units_is_a_bigint(engines, service):
    assert _small_amounts(await _columns_of(engines, service)) == []


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_every_moment_is_stored_with_its_time_zone(engines, service):
    assert _without_time_zone(await _columns_of(engines, service)) == []


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_the_audit_views_are_those_that_are_declared_column_by_column(engines, service):
    assert _views(await _columns_of(engines, service)) == DECLARED[service].audit


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_who_keeps_where_a_person_is_reached_is_told_when_they_are_erased(engines, service):
    kept = _personal(await _columns_of(engines, service))
    assert not kept or "user.deleted" in consumed(service) or service == "auth", kept
    assert service not in {"auth", "orders", "shipping", "notifications"} or kept


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_every_table_has_a_primary_key(engines, service):
    assert _keyless(await _columns_of(engines, service)) == set()


@pytest.mark.service("inventory")
async def test_a_table_against_every_rule_is_found_by_each(engines):
    columns = await _columns_after(
        engines,
        "inventory",
        "CREATE TABLE planted (rate numeric(9, 2), fee_minor integer, at timestamp, email text)",
        "CREATE VIEW audit.planted AS SELECT email FROM planted",
    )
    planted = [row for row in columns if row["schema"] == "public"]
    assert _inexact(columns) == ["planted.rate numeric"]
    assert _small_amounts(columns) == ["planted.fee_minor integer"]
    assert _without_time_zone(columns) == ["planted.at timestamp without time zone"]
    assert _views(columns) == {**DECLARED["inventory"].audit, "planted": ("email",)}
    assert _personal(planted) == ["planted.email text"]
    assert _keyless(columns) == {"planted"}
