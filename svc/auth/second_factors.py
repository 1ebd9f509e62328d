"""TOTP (RFC 6238): secrets made, shown once and sealed; a code looked up as the time step it belongs to."""

from uuid import UUID

import pyotp
from pyotp.exceptions import OTPVerificationError
from pyotp.totp import TOTP

from shared.clock import Clock
from svc.auth.sealed_secrets import SealedSecrets
from svc.auth.settings import Settings

ISSUER = "ShopStream"
STEPS_OFF_MAX = 1
"""Phones may be half a minute wrong either way."""


class SecondFactors:
    """Knows no row: whether a step was used before is the table's to say."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._sealed = SealedSecrets(settings.internal_secret, "second factors")
        self._clock = clock

    def new(self, user_id: UUID, email: str) -> tuple[str, str, bytes]:
        """A secret (base 32), the same as a URI for an app to scan, and sealed."""
        secret = pyotp.random_base32()
        uri = TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
        return secret, uri, self._sealed.seal(secret.encode(), str(user_id))

    def step_of(self, sealed: bytes, user_id: UUID, code: str) -> int | None:
        """The time step that the code is right for; None when it is wrong now."""
        secret = self._sealed.open(sealed, str(user_id))
        if secret is None:
            return None
        totp = TOTP(secret.decode())
        try:
            return totp.verify_and_get_timecode(
                code, for_time=self._clock.now().timestamp(), valid_window=STEPS_OFF_MAX
            )
        except OTPVerificationError:
            return None
