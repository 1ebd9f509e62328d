"""Keeps secrets out of what people read: tokens, passwords, card numbers, credentials in URLs.

The last line of defence on the way to a log or a trace, not a licence to pass secrets there.
"""

import re
from collections.abc import Iterable, Mapping
from typing import cast

REDACTED = "[redacted]"
DEPTH_MAX = 6
TEXT_LENGTH_MAX = 8_192

SENSITIVE_KEYS = frozenset(
    {
        "password", "passwd", "new_password", "old_password", "password_hash", "secret", "internal_secret",
        "webhook_secret", "webhook_secrets", "client_secret", "token", "access_token", "refresh_token",
        "reset_token", "internal_token", "x-internal-token", "guest_token", "x-guest-token", "authorization",
        "proxy-authorization", "cookie", "set-cookie", "api_key", "apikey", "x-api-key", "private_key", "totp",
        "otp", "cvv", "cvc", "card", "card_number", "pan", "x-signature",
    }
)  # fmt: skip

_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")
_USERINFO = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
_ASSIGNMENT = re.compile(
    r"(?i)\b(password|passwd|secret|api[_-]?key|(?:access|refresh|reset|internal)[_-]?token)"
    r"(['\"]?\s*[=:]\s*['\"]?)[^\s'\"&,;}]+"
)
_API_KEY = re.compile(r"\bssk_[a-z2-7]{12}_[\w-]+")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_EMAIL = re.compile(r"\b([\w.+-])[\w.+-]*@([\w-]+(?:\.[\w-]+)+)\b")
_DIGITS_MIN = 13


def redact_text(text: str, *, emails: bool = False) -> str:
    """Return the text with every recognised secret replaced; emails are masked only on request."""
    if len(text) > TEXT_LENGTH_MAX:
        text = text[:TEXT_LENGTH_MAX] + "…"
    if "eyJ" in text:
        text = _JWT.sub(REDACTED, text)
    if " " in text or "=" in text or ":" in text:
        text = _BEARER.sub(rf"\1 {REDACTED}", text)
        text = _ASSIGNMENT.sub(rf"\1\2{REDACTED}", text)
    if "ssk_" in text:
        text = _API_KEY.sub(REDACTED, text)
    if "@" in text:
        text = _USERINFO.sub(rf"\1{REDACTED}@", text)
        if emails:
            text = _EMAIL.sub(r"\1…@\2", text)
    if len(text) >= _DIGITS_MIN:
        text = _CARD.sub(_redact_card, text)
    return text


def redact(value: object, *, emails: bool = False) -> object:
    """Return a copy of a JSON-like value without secrets: by key name, and by pattern inside strings.

    Deeper than DEPTH_MAX everything is replaced, so that a hostile structure cannot hide a secret.
    """
    return _redact(value, emails=emails, depth=0)


def is_card_number(digits: str) -> bool:
    """Tell whether a run of digits is a plausible card number: a known issuer prefix and a Luhn checksum."""
    return 13 <= len(digits) <= 19 and _has_issuer_prefix(digits) and _passes_luhn(digits)


def _redact(value: object, *, emails: bool, depth: int) -> object:  # noqa: PLR0911 - one return per JSON type
    if isinstance(value, str):
        return redact_text(value, emails=emails)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return REDACTED if value > 10**12 and is_card_number(str(value)) else value
    if depth >= DEPTH_MAX:
        return REDACTED
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return {
            str(key): REDACTED
            if str(key).lower() in SENSITIVE_KEYS and item
            else _redact(item, emails=emails, depth=depth + 1)
            for key, item in members.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        items = cast("Iterable[object]", value)
        return [_redact(item, emails=emails, depth=depth + 1) for item in items]
    return redact_text(str(value), emails=emails)


def _redact_card(match: re.Match[str]) -> str:
    digits = re.sub(r"[ -]", "", match.group())
    return f"[card …{digits[-4:]}]" if is_card_number(digits) else match.group()


def _has_issuer_prefix(digits: str) -> bool:
    # without it one number in ten passes Luhn, epoch times and quantities among them
    two, four = int(digits[:2]), int(digits[:4])
    return (
        digits[0] == "4"
        or 51 <= two <= 55
        or 2221 <= four <= 2720
        or two in (30, 34, 35, 36, 37, 38, 62, 65)
        or four == 6011
        or 644 <= four // 10 <= 649
    )


def _passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
