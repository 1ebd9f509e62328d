"""`shared.idempotency` alone speaks SQL about its table; others join its statements."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
OWNERS = {"shared/idempotency/__init__.py", "shared/library_tables.py"}


def _naming(root: Path) -> set[str]:
    return {
        str(path.relative_to(root))
        for folder in ("svc", "shared")
        for path in (root / folder).rglob("*.py")
        if "idempotency_keys" in path.read_text()
    }


def test_no_other_module_names_the_table_of_idempotency_keys():
    assert _naming(ROOT) == OWNERS


def test_another_module_that_does_is_found(tmp_path):
    (tmp_path / "svc").mkdir()
    (tmp_path / "svc" / "store.py").write_text('"DELETE FROM idempotency_keys"')
    assert _naming(tmp_path) == {"svc/store.py"}
