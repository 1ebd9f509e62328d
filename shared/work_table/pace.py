"""How fast a table of work is worked off, and the settings that say so."""

import msgspec

from shared.settings import ServiceSettings


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """At most so many attempts beside each other, each within the lease; a look for due work every `poll_s`."""

    at_once_max: int
    lease_s: float
    poll_s: float


class WorkSettings(ServiceSettings, frozen=True, kw_only=True):
    """Of a service whose work calls somebody outside; times in seconds.

    `lease_s`: after it, work claimed by a process that died is taken up by another; longer than a call.
    `poll_interval_s`: how often due work is looked for without a wake-up.
    """

    lease_s: float = 5.0
    poll_interval_s: float = 0.5
    calls_at_once_max: int = 16

    @property
    def pace(self) -> Pace:
        """The same for all tables of the service."""
        return Pace(at_once_max=self.calls_at_once_max, lease_s=self.lease_s, poll_s=self.poll_interval_s)
