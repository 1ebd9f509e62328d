"""Payment methods that customers keep: tokens of the PSP, named at the checkout by a name of ours.

Invariant: a name pays only for its owner, and a card's number is never among what is kept.
"""

from uuid import UUID

from shared.errors import Kind, Refusal
from shared.ids import new_id
from shared.partner_client import PartnerRefusal
from shared.unit_of_work import Connection, UnitOfWork
from svc.payments.clients import Psp, PspMethod
from svc.payments.store import methods
from svc.payments.store.methods import METHODS_MAX, Method

KEPT = "tok_pm_"
"""How a kept method is named at the checkout, before its id in hexadecimal."""
DEFAULT = "tok_default"
"""At the checkout: whatever is the customer's default."""
ADDING_ATTEMPTS_MAX = METHODS_MAX + 1
"""Each time another request took the same free place, so that there is one place less."""


class UnknownPaymentMethod(Refusal):
    """The customer keeps no such method."""

    code = "unknown_payment_method"
    kind = Kind.NOT_FOUND


class TokenNotAccepted(Refusal):
    """The PSP knows no card under this token."""

    code = "token_not_accepted"
    kind = Kind.UNPROCESSABLE


class TooManyPaymentMethods(Refusal):
    """One must go before another comes."""

    code = "too_many_payment_methods"
    kind = Kind.CONFLICT


def name_of(method_id: UUID) -> str:
    """What an order names the method by."""
    return f"{KEPT}{method_id.hex}"


async def look_up(psp: Psp, token: str) -> PspMethod:
    """The card behind a token. Outside any transaction. Raises `TokenNotAccepted`, `RemoteUnavailableError`."""
    if token == DEFAULT or token.startswith(KEPT):
        raise TokenNotAccepted("this is the name of a method that is kept")
    try:
        return await psp.method(token)
    except PartnerRefusal as refusal:
        raise TokenNotAccepted("the payment provider knows no card under this token") from refusal


async def keep(uow: UnitOfWork, customer_id: UUID, card: PspMethod) -> Method:
    """Keep a card for the customer; one that is kept stays as it is. Raises `TooManyPaymentMethods`."""
    for _ in range(ADDING_ATTEMPTS_MAX):
        added = await methods.add(
            uow.connection, new_id(), customer_id=customer_id, token=card.token, brand=card.brand, last4=card.last4
        )
        kept = await methods.of_token(uow.connection, customer_id, card.token)
        if kept is not None:
            return kept
        assert not added, "a method that was added is there"
        if len(await methods.page(uow.connection, customer_id, after=None, rows_max=METHODS_MAX)) == METHODS_MAX:
            break
    raise TooManyPaymentMethods(f"at most {METHODS_MAX} methods are kept", methods_max=METHODS_MAX)


async def choose(uow: UnitOfWork, customer_id: UUID, method_id: UUID) -> None:
    """Make a method the default. Raises `UnknownPaymentMethod`."""
    if not await methods.choose(uow.connection, customer_id, method_id):
        raise UnknownPaymentMethod("there is no such payment method")


async def forget(uow: UnitOfWork, customer_id: UUID, method_id: UUID) -> None:
    """Keep a method no longer; the oldest that is left takes a default's place. Raises `UnknownPaymentMethod`."""
    if not await methods.delete(uow.connection, customer_id, method_id):
        raise UnknownPaymentMethod("there is no such payment method")


async def token_for(connection: Connection, customer_id: UUID, named: str) -> str:
    """The token an order is charged at: `named` itself, or that of the customer's own method of this name.

    A name of nobody's or somebody else's stays a name, which the PSP knows nothing of and declines.
    """
    if named == DEFAULT:
        return await methods.token_of(connection, customer_id, None) or named
    if not named.startswith(KEPT):
        return named
    try:
        method_id = UUID(hex=named.removeprefix(KEPT))
    except ValueError:
        return named
    return await methods.token_of(connection, customer_id, method_id) or named
