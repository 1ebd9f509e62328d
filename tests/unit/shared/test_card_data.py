import pytest

from shared.card_data import CardDataRefused, holds_card_number, refuse_card_token


@pytest.mark.parametrize(
    "body",
    [
        b'{"card": "4111111111111111"}',
        b'{"card": 4111111111111111}',
        b"4111 1111 1111 1111",
        b'{"a": "x 5500-0000-0000-0004 y"}',
        b'{"a": ["378282246310005"]}',
        b'{"a": "4111\\u003111111111\\u003111"}',
    ],
)
def test_card_numbers_are_seen_in_any_guise(body):
    assert holds_card_number(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"amount": "1234567890123.45"}',
        b'{"id": "0193f6a4-1111-7111-8111-111111111111"}',
        b'{"token": "tok_4111111111111111"}',
        b'{"card": "4111111111111112"}',
        b'{"created": 1700000000, "order": "SO-4111111111"}',
        b"\xff\xfe not text \\",
    ],
)
def test_what_is_no_card_number_passes(body):
    assert not holds_card_number(body)


@pytest.mark.parametrize("token", ["tok_4111111111111111", "tok_x_5500000000000004_y", "4111111111111111"])
def test_a_token_that_holds_a_card_number_is_refused(token):
    with pytest.raises(CardDataRefused):
        refuse_card_token(token)


@pytest.mark.parametrize("token", ["tok_visa", "tok_default", "tok_pm_4111111111111111abcdefabcdefabcd"])
def test_the_name_of_a_card_is_no_card_number(token):
    refuse_card_token(token)
