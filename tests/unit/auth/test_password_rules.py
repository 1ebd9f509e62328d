import pytest

from svc.auth.common_passwords import COMMON_PASSWORDS
from svc.auth.domain import WeakPassword, check_password, seeded_user_id

pytestmark = pytest.mark.service("auth")


@pytest.mark.parametrize("password", ["x" * 7, "x" * 129, "qwerty123", "QWERTY123", "ada@shop.example", "adalovelace"])
def test_weak_passwords_are_refused(password):
    email = "adalovelace@shop.example" if password == "adalovelace" else "ada@shop.example"
    with pytest.raises(WeakPassword) as refused:
        check_password(password, email=email, common=COMMON_PASSWORDS)
    assert refused.value.extra["rule"] in {"length", "common", "contains_email"}


@pytest.mark.parametrize("password", ["eight ch", "пароль-длинный", "correct horse", "x1" * 64])
def test_any_other_password_will_do(password):
    check_password(password, email="ada@shop.example", common=COMMON_PASSWORDS)


def test_the_list_holds_only_what_the_length_lets_through():
    assert all(8 <= len(password) <= 128 and password == password.lower() for password in COMMON_PASSWORDS)
    assert len(COMMON_PASSWORDS) > 10_000


def test_a_seeded_id_follows_from_the_address_alone():
    assert seeded_user_id("Ada@Shop.example") == seeded_user_id("ada@shop.example ")
    assert seeded_user_id("ada@shop.example") != seeded_user_id("ida@shop.example")
