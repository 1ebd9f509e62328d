import hashlib

import pytest

from shared.errors import Kind
from shared.idempotency.rules import (
    KEY_CHARACTERS_MAX,
    Answer,
    IdempotencyKeyInvalid,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    Known,
    RequestInFlight,
    answer_of,
    checked_key,
    fingerprint,
)

BODY = b"what was asked"


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("my-key", "my-key"),
        ("  my-key\t", "my-key"),
        ('"my-key"', "my-key"),
        (' "my-key" ', "my-key"),
        ("k", "k"),
        ("XkX", "XkX"),
        ("k" * KEY_CHARACTERS_MAX, "k" * KEY_CHARACTERS_MAX),
        ("Schlüssel 7", "Schlüssel 7"),
    ],
)
def test_a_key_is_taken_as_it_was_meant(sent, key):
    assert checked_key(sent) == key


@pytest.mark.parametrize("sent", [None, "", " ", "\t\n"])
def test_a_request_without_a_key_is_refused(sent):
    with pytest.raises(IdempotencyKeyMissing) as refused:
        checked_key(sent)
    assert refused.value.kind is Kind.INVALID


@pytest.mark.parametrize("sent", ['""', '"', "k" * (KEY_CHARACTERS_MAX + 1), "two\nlines", "nul\0"])
def test_a_key_that_is_none_is_refused(sent):
    with pytest.raises(IdempotencyKeyInvalid) as refused:
        checked_key(sent)
    assert refused.value.kind is Kind.INVALID


def test_equal_bodies_have_one_fingerprint_whatever_the_order_of_their_fields():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1, "b": 2}) != fingerprint({"a": 2, "b": 1})
    assert fingerprint({"a": 1}) == hashlib.sha256(b'{"a":1}').digest()


def test_the_answer_of_a_completed_key_is_repeated_to_the_letter():
    known = Known(BODY, "completed", 201, b'{"order": 1}')
    assert answer_of(known, fingerprint=BODY) == Answer(201, b'{"order": 1}')


def test_a_key_is_not_for_another_body_even_while_its_request_runs():
    for status in ("completed", "in_flight"):
        with pytest.raises(IdempotencyKeyReused) as refused:
            answer_of(Known(BODY, status, 201, b"{}"), fingerprint=b"something else")
        assert refused.value.kind is Kind.UNPROCESSABLE


def test_a_repeat_while_the_first_request_runs_is_refused():
    with pytest.raises(RequestInFlight) as refused:
        answer_of(Known(BODY, "in_flight", None, None), fingerprint=BODY)
    assert refused.value.kind is Kind.CONFLICT
