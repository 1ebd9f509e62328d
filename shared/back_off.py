"""How long to wait before the next attempt: doubling, bounded, and spread, so that a crowd does not return as one."""

import random

import msgspec

SPREAD = 0.2
"""Every wait is shortened by up to this share, by chance."""
DOUBLINGS_MAX = 16


class BackOff(msgspec.Struct, frozen=True):
    """Seconds before the second attempt, and at most."""

    first_s: float
    max_s: float

    def delay_s(self, attempts: int) -> float:
        """Seconds to wait after so many attempts in vain, at least one."""
        doubled = self.first_s * 2 ** min(max(attempts, 1) - 1, DOUBLINGS_MAX)
        return min(self.max_s, doubled) * (1 - SPREAD * random.random())
