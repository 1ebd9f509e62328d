"""Postal codes as their countries write them. The forms are rows; here is how one is read. Pure."""

import re

import msgspec

from shared.errors import Kind, Refusal

POSTAL_CODE_CHARACTERS_MAX = 20


class InvalidAddress(Refusal):
    """`field` names what of it is wrong."""

    code = "invalid_address"
    kind = Kind.UNPROCESSABLE


class AddressFixed(Refusal):
    """A label may have been printed with it: what is sent is sent there."""

    code = "address_fixed"
    kind = Kind.CONFLICT


class PostalForm(msgspec.Struct, frozen=True):
    """How a country writes its codes: `pattern` over capitals and digits alone, `template` puts the rest back."""

    country: str
    pattern: str
    template: str
    example: str


class PostalAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A postal address; `country` is ISO 3166-1 alpha-2."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str


def normalised(address: PostalAddress, form: PostalForm | None) -> PostalAddress:
    """The address as the post writes it: single spaces, the postal code in its country's form.

    A country without a known form keeps its code as it was given. Raises `InvalidAddress` with `field`.
    """
    tidy = {name: " ".join(text.split()) for name, text in msgspec.structs.asdict(address).items()}
    for name, text in tidy.items():
        if not text and (name != "postal_code" or form is not None):
            raise InvalidAddress(f"{name} is missing", field=name)
    return PostalAddress(**{**tidy, "postal_code": postal_code(tidy["postal_code"], address.country, form)})


def postal_code(text: str, country: str, form: PostalForm | None) -> str:
    """The code in its country's form; a leading `D-` or `CH ` is taken off. Raises `InvalidAddress`."""
    if form is None:
        return text.upper()
    compact = re.sub(r"[\s-]", "", text).upper()
    for candidate in (compact, compact.removeprefix(country), compact.removeprefix(country[0])):
        match = re.fullmatch(form.pattern, candidate, re.ASCII)
        if match is not None:
            return match.expand(form.template)
    raise InvalidAddress(f"{text!r} is no postal code of {country}; one looks like {form.example}", field="postal_code")
