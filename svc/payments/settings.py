"""What the payments service is told at its start."""

from shared.money import InvalidMoneyError, Money
from shared.settings import SettingsError
from shared.work_table import WorkSettings


class Settings(WorkSettings, frozen=True, kw_only=True):
    """Times in seconds.

    `psp_timeout_s`: how long one call to the PSP may take. `absence_grace_s`: how long a charge in doubt must have been
    unknown to the PSP before it counts as never made. `quote_ttl_s`: how long an order may be placed at a quoted rate.
    `exchange_timeout_s`: how long one look at a rate may take. `capture_by_hand_from`: payments of these amounts or
    more (as `500.00 EUR`) are only authorised, and staff captures or voids them.
    """

    service: str = "payments"
    psp_timeout_s: float = 3.0
    absence_grace_s: float = 1.0
    quote_ttl_s: float = 300.0
    exchange_timeout_s: float = 1.0
    capture_by_hand_from: tuple[str, ...] = ()

    @property
    def held_first(self) -> tuple[Money, ...]:
        """The amounts from which on payments are only authorised. Raises `SettingsError`."""
        try:
            return tuple(Money.parse(*bound.split()) for bound in self.capture_by_hand_from)
        except (InvalidMoneyError, TypeError) as error:
            raise SettingsError([f"SHOPSTREAM_CAPTURE_BY_HAND_FROM: amounts such as 500.00 EUR ({error})"]) from error
