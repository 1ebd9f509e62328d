"""Value-added and sales tax by country of delivery, in basis points on prices that exclude it.

Standard rates only; a stand-in for a tax provider behind the same one function.
"""

from shared.errors import Kind, Refusal
from shared.money import Money, Rounding, percentage

TAX_ROUNDING = Rounding.HALF_UP
"""Tax is rounded once per line, half up; the order's tax is the sum of its lines'."""

TAX_RATES_BP: dict[str, int] = {
    "AT": 2000, "AU": 1000, "BE": 2100, "BG": 2000, "BH": 1000, "CA": 500, "CH": 810, "CY": 1900,
    "CZ": 2100, "DE": 1900, "DK": 2500, "EE": 2400, "ES": 2100, "FI": 2550, "FR": 2000, "GB": 2000,
    "GR": 2400, "HR": 2500, "HU": 2700, "IE": 2300, "IS": 2400, "IT": 2200, "JP": 1000, "KW": 0,
    "LT": 2100, "LU": 1700, "LV": 2100, "MT": 1800, "NL": 2100, "NO": 2500, "NZ": 1500, "PL": 2300,
    "PT": 2300, "RO": 2100, "SE": 2500, "SI": 2200, "SK": 2300, "US": 825,
}  # fmt: skip


class UnsupportedCountry(Refusal):
    code = "unsupported_country"
    kind = Kind.UNPROCESSABLE


def tax_rate_bp(country: str) -> int:
    """The rate of a country (ISO 3166-1 alpha-2). Raises `UnsupportedCountry`."""
    if country not in TAX_RATES_BP:
        raise UnsupportedCountry(f"we do not deliver to {country}", country=country)
    return TAX_RATES_BP[country]


def tax_on(base: Money, rate_bp: int) -> Money:
    """The tax on one line's discounted total."""
    return percentage(base, rate_bp, TAX_ROUNDING)
