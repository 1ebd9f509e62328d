"""Who an engine runs as."""

import os
import pwd

import pytest

from compose import privileges
from compose.operator_error import OperatorError


def a_number_nobody_has() -> int:
    taken = {user.pw_uid for user in pwd.getpwall()}
    return next(uid for uid in range(70_000, 70_000 + len(taken) + 1) if uid not in taken)


def test_a_user_without_a_name_is_refused_with_the_mend(monkeypatch) -> None:
    uid = a_number_nobody_has()
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    with pytest.raises(OperatorError) as refused:
        privileges.refuse_nameless("PostgreSQL")
    assert refused.value.code == "user.nameless"
    assert refused.value.what == f"PostgreSQL refuses to run for user {uid}, who has no name in /etc/passwd."
    assert f"--uid {uid}" in refused.value.mend


def test_the_caller_of_sudo_is_who_must_have_a_name(monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", str(a_number_nobody_has()))
    with pytest.raises(OperatorError):
        privileges.refuse_nameless("PostgreSQL")


def test_a_named_user_is_let_through() -> None:
    privileges.refuse_nameless("PostgreSQL")
