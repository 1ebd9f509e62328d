"""`shared.idempotency` alone speaks SQL about its table; others join its statements."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
OWNERS = {"shared/idempotency/__init__.py", "shared/library_tables.py"}


def test_no_other_module_names_the_table_of_idempotency_keys():
    named = {
        str(path.relative_to(ROOT))
        for folder in ("svc", "shared")
        for path in (ROOT / folder).rglob("*.py")
        if "idempotency_keys" in path.read_text()
    }
    assert named == OWNERS
