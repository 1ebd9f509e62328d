import hashlib

import pytest

from compose.engines import jars
from compose.operator_error import OperatorError


def jar_set(contents: dict[str, bytes]) -> jars.JarSet:
    return jars.JarSet(
        name="test",
        version="1",
        jars=tuple(jars.Jar(f"g:{name}:1", hashlib.sha256(data).hexdigest()) for name, data in contents.items()),
    )


def put(cache, wanted: jars.JarSet, contents: dict[str, bytes]) -> None:
    home = jars.directory(cache, wanted)
    home.mkdir(parents=True)
    for name, data in contents.items():
        (home / f"{name}-1.jar").write_bytes(data)


CONTENTS = {"a": b"first", "b": b"second"}


def test_the_committed_lists_are_complete_and_pinned():
    for name, count in (("kafka", 46), ("elasticsearch", 55)):
        wanted = jars.locked(name)
        assert len(wanted.jars) == count
        assert all(len(jar.sha256) == 64 for jar in wanted.jars)
        assert len({jar.file_name for jar in wanted.jars}) == count


def test_a_complete_directory_is_verified_and_stamped_without_a_download(tmp_path):
    wanted = jar_set(CONTENTS)
    put(tmp_path, wanted, CONTENTS)
    home = jars.ensure(tmp_path, wanted)
    assert (home / jars.STAMP).is_file()
    assert jars.present(tmp_path, wanted) == (2, 11)


def test_a_tampered_jar_is_refused_and_removed(tmp_path):
    wanted = jar_set(CONTENTS)
    put(tmp_path, wanted, {**CONTENTS, "b": b"tampered"})
    with pytest.raises(OperatorError) as refusal:
        jars.ensure(tmp_path, wanted)
    assert refusal.value.code == "jars.checksum"
    assert "g:b:1" in refusal.value.what
    assert not (jars.directory(tmp_path, wanted) / "b-1.jar").exists()


def test_a_jar_changed_after_it_was_verified_is_hashed_again(tmp_path):
    wanted = jar_set(CONTENTS)
    put(tmp_path, wanted, CONTENTS)
    home = jars.ensure(tmp_path, wanted)
    (home / "a-1.jar").write_bytes(b"swapped")
    with pytest.raises(OperatorError, match="SHA-256"):
        jars.ensure(tmp_path, wanted)


def test_a_stamped_directory_is_not_hashed_again(tmp_path, monkeypatch):
    wanted = jar_set(CONTENTS)
    put(tmp_path, wanted, CONTENTS)
    jars.ensure(tmp_path, wanted)
    monkeypatch.setattr(jars, "sha256", lambda _: pytest.fail("hashed again"))
    jars.ensure(tmp_path, wanted)


def test_another_list_of_contents_is_another_directory(tmp_path):
    assert jars.directory(tmp_path, jar_set(CONTENTS)) != jars.directory(tmp_path, jar_set({**CONTENTS, "b": b"new"}))


def test_the_class_path_has_one_fixed_order(tmp_path):
    wanted = jar_set({"b": b"", "a": b""})
    assert [path.name for path in jars.class_path(tmp_path, wanted)] == ["a-1.jar", "b-1.jar"]
