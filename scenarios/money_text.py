"""Minor units as people read them, and back: the judge's own table, independent of the fleet's."""

from decimal import Decimal, InvalidOperation

DIGITS_DEFAULT = 2
DIGITS_BY_CURRENCY = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX"), 0),
    **dict.fromkeys(("UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def digits(currency: str) -> int:
    return DIGITS_BY_CURRENCY.get(currency, DIGITS_DEFAULT)


def money_text(amount_minor: int, currency: str) -> str:
    """5999 EUR in minor units as `59.99 EUR`."""
    places = digits(currency)
    value = Decimal(amount_minor).scaleb(-places)
    return f"{value:,.{places}f} {currency}".strip()


def minor_units(text: str, currency: str) -> int | None:
    """Minor units of "59.99 EUR" or "59.99"; None when it is no amount of that currency."""
    number, _, named = text.strip().partition(" ")
    if named and named != currency:
        return None
    try:
        scaled = Decimal(number).scaleb(digits(currency))
    except InvalidOperation:
        return None
    return int(scaled) if scaled.is_finite() and scaled == int(scaled) else None
