"""Value-added and sales tax by country of delivery and class of goods, in basis points on prices that exclude it.

One reduced rate per country, the one that most goods have; a country without one taxes them like all others.
A stand-in for a tax provider behind the same one function.
"""

from shared.errors import Kind, Refusal
from shared.money import Money, Rounding, percentage
from shared.tax_classes import TaxClass

TAX_ROUNDING = Rounding.HALF_UP
"""Tax is rounded once per line, half up; the order's tax is the sum of its lines'."""

_STANDARD_AND_REDUCED_BP: dict[str, tuple[int, int]] = {
    "AT": (2000, 1000), "AU": (1000, 1000), "BE": (2100, 600), "BG": (2000, 900), "BH": (1000, 1000),
    "CA": (500, 500), "CH": (810, 260), "CY": (1900, 500), "CZ": (2100, 1200), "DE": (1900, 700),
    "DK": (2500, 2500), "EE": (2400, 1300), "ES": (2100, 1000), "FI": (2550, 1350), "FR": (2000, 550),
    "GB": (2000, 500), "GR": (2400, 1300), "HR": (2500, 1300), "HU": (2700, 1800), "IE": (2300, 1350),
    "IS": (2400, 1100), "IT": (2200, 1000), "JP": (1000, 800), "KW": (0, 0), "LT": (2100, 1200),
    "LU": (1700, 800), "LV": (2100, 1200), "MT": (1800, 700), "NL": (2100, 900), "NO": (2500, 1500),
    "NZ": (1500, 1500), "PL": (2300, 800), "PT": (2300, 600), "RO": (2100, 1100), "SE": (2500, 1200),
    "SI": (2200, 950), "SK": (2300, 1900), "US": (825, 825),
}  # fmt: skip
TAX_RATES_BP: dict[tuple[str, TaxClass], int] = {
    (country, tax_class): rate_bp
    for country, (standard_bp, reduced_bp) in _STANDARD_AND_REDUCED_BP.items()
    for tax_class, rate_bp in (
        (TaxClass.STANDARD, standard_bp),
        (TaxClass.REDUCED, reduced_bp),
        (TaxClass.ZERO, 0),
    )
}


class UnsupportedCountry(Refusal):
    code = "unsupported_country"
    kind = Kind.UNPROCESSABLE


def check_country(country: str) -> None:
    """Raise `UnsupportedCountry` for one without rates (ISO 3166-1 alpha-2)."""
    if country not in _STANDARD_AND_REDUCED_BP:
        raise UnsupportedCountry(f"we do not deliver to {country}", country=country)


def tax_rate_bp(country: str, tax_class: TaxClass) -> int:
    """The rate of a class of goods in a country. Raises `UnsupportedCountry`."""
    check_country(country)
    return TAX_RATES_BP[country, tax_class]


def tax_on(base: Money, rate_bp: int) -> Money:
    """The tax on one line's discounted total."""
    return percentage(base, rate_bp, TAX_ROUNDING)
