import time

import pytest

from shared.redaction import DEPTH_MAX, REDACTED, is_card_number, redact, redact_text

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("paid with 4111 1111 1111 1111 today", "1111 1111 1111"),
        ("paid with 4111-1111-1111-1111", "4111-1111"),
        ("pan=5500005555555559;", "5500005555555559"),
        (f"token {JWT} seen", JWT),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("connect postgresql://orders:hunter2@db:5432/orders", "hunter2"),
        ("password=hunter2&x=1", "hunter2"),
        ('{"refresh_token": "hunter2hunter2"}', "hunter2"),
        ("api_key: hunter2", "hunter2"),
        (f"sent ssk_abcdefghijkl_{'A1-_' * 10}xyz along", "A1-_"),
    ],
)
def test_secrets_inside_text_are_replaced(text, secret):
    assert secret not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 01a20451-913b-7219-9453-c9aade3df90c placed",
        "at 1763829600123456789 ns",
        "1763829600123",
        "trace a59c398f2b55de2fc9c7f4157313d635",
        "4111111111111112",
        "12.34 EUR",
        "http://127.0.0.1:8000/x",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert redact_text(text) == text


def test_values_under_secret_names_are_replaced_at_every_depth():
    safe = redact({"a": [{"Password": "x", "n": 1}], "card_number": "1", "token": "", "ok": None})
    assert safe == {"a": [{"Password": REDACTED, "n": 1}], "card_number": REDACTED, "token": "", "ok": None}


def test_a_card_number_as_an_integer_is_replaced():
    assert redact({"n": 4111111111111111, "t": 1763829600123456789}) == {"n": REDACTED, "t": 1763829600123456789}


def test_nothing_is_shown_below_the_deepest_level():
    nested: object = "a new kind of secret"
    for _ in range(DEPTH_MAX):
        nested = {"x": nested}
    assert "new kind" in str(redact(nested))
    assert "new kind" not in str(redact({"x": {"x": nested}}))


def test_emails_are_masked_only_on_request():
    assert redact_text("to ann@example.org") == "to ann@example.org"
    assert redact_text("to ann@example.org", emails=True) == "to a…@example.org"


def test_luhn_and_issuer_decide_what_a_card_is():
    assert is_card_number("378282246310005")
    assert not is_card_number("378282246310006")
    assert not is_card_number("0000000000000000")


def test_no_input_makes_it_slow():
    started = time.perf_counter()
    for text in ("1 " * 5_000, "a:" * 5_000, "eyJ" * 3_000, "://" * 3_000, "password" * 1_000, "@." * 4_000):
        redact_text(text)
    assert time.perf_counter() - started < 0.5
