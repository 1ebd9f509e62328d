import os
from pathlib import Path

import pytest

from compose import launch, privileges, secrets_file
from compose import layout as layouts
from compose.layout import Layout
from compose.operator_error import OperatorError


def made(home: Path) -> Layout:
    return Layout(home, home / "cache", 21_000)


def test_ports_follow_the_base(tmp_path):
    assert made(tmp_path).port("postgres") == 21_100
    assert made(tmp_path).port("orders") == 21_004


def test_the_socket_lies_in_the_home(tmp_path):
    assert made(tmp_path).socket_file == tmp_path / "supervisor.sock"


def test_a_deep_home_gets_a_socket_path_that_fits(tmp_path):
    deep = made(tmp_path / ("d" * 60) / ("e" * 60))
    assert len(os.fsencode(deep.socket_file)) <= 107
    assert deep.socket_file != made(tmp_path / ("d" * 60) / ("f" * 60)).socket_file


def test_a_wipe_knows_every_place_in_the_home():
    stack = made(Path("/var/lib/shop"))
    places = [getattr(stack, name) for name, kind in vars(Layout).items() if isinstance(kind, property)]
    inside = {path.relative_to(stack.home).parts[0] for path in places}
    beside = {"controls.lock", "controls.partial"}  # of the writer of controls.json
    assert inside | beside == {*launch.OWN_ENTRIES, stack.socket_file.name}


def test_the_fork_parent_listens_in_the_home_unless_a_socket_path_would_not_fit():
    assert made(Path("/var/lib/shop")).forks == Path("/var/lib/shop/forks")
    assert made(Path("/var") / ("d" * 70)).forks is None


def test_a_home_that_cannot_be_written_is_an_operator_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError) as refusal:
        layouts.make_directories(made(tmp_path / "file" / "home"))
    assert refusal.value.code == "home.unwritable"
    assert "SHOPSTREAM_HOME" in refusal.value.mend


def test_the_environment_names_home_and_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("SHOPSTREAM_HOME", str(tmp_path / "h"))
    monkeypatch.setenv("SHOPSTREAM_CACHE", str(tmp_path / "c"))
    assert (layouts.default_home(), layouts.default_cache()) == (tmp_path / "h", tmp_path / "c")


def test_root_with_a_closed_home_gets_a_system_directory(monkeypatch, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root's engines run as somebody else")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.delenv("SHOPSTREAM_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(closed))
    assert layouts.default_home() == layouts.SYSTEM_HOME


def test_a_directory_without_search_right_cannot_be_entered(tmp_path):
    tmp_path.chmod(0o700)
    assert privileges.can_enter(tmp_path, tmp_path.stat().st_uid) is (os.access(tmp_path, os.X_OK))
    assert not privileges.can_enter(tmp_path / "deeper", 65_533)


def test_secrets_are_made_once_and_private(tmp_path):
    layout = made(tmp_path)
    first = secrets_file.load_or_make(layout)
    assert secrets_file.load_or_make(layout) == first
    assert layout.secrets_file.stat().st_mode & 0o777 == 0o600


def test_a_new_service_gets_a_password_and_the_others_keep_theirs(tmp_path):
    layout = made(tmp_path)
    before = secrets_file.with_databases(layout, ["orders"])
    after = secrets_file.with_databases(layout, ["orders", "payments"])
    assert after.database_passwords["orders"] == before.database_passwords["orders"]
    assert set(after.database_passwords) == {"orders", "payments"}
    assert after.cluster_id == before.cluster_id
