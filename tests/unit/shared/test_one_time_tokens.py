from uuid import uuid4

import pytest

from shared.one_time_tokens import PASSWORD_RESET, REGISTRATION, TOKEN_CHARACTERS, TokenGone, mint, read

SECRET = "a secret of the fleet with some length"


def test_a_token_names_its_row_and_is_the_same_whenever_it_is_made():
    row = uuid4()
    token = mint(SECRET, REGISTRATION, row)
    assert token == mint(SECRET, REGISTRATION, row)
    assert len(token) == TOKEN_CHARACTERS
    assert read(SECRET, REGISTRATION, token) == row


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda _: "ä" * TOKEN_CHARACTERS,
        lambda token: token + "=",
        lambda token: token[:-4],
        lambda token: token[:40] + ("A" if token[40] != "A" else "B") + token[41:],
        lambda token: ("A" if token[0] != "A" else "B") + token[1:],
        lambda token: token[:22] + "A" * 42,
    ],
)
def test_any_other_token_is_gone(spoil):
    with pytest.raises(TokenGone):
        read(SECRET, REGISTRATION, spoil(mint(SECRET, REGISTRATION, uuid4())))


def test_a_token_is_for_one_purpose_and_one_fleet():
    token = mint(SECRET, PASSWORD_RESET, uuid4())
    for secret, purpose in ((SECRET, REGISTRATION), (SECRET + "!", PASSWORD_RESET)):
        with pytest.raises(TokenGone):
            read(secret, purpose, token)
