"""How the mail server misbehaves: slow to take a mail, not now, or not there."""

from typing import Any, Final

from scenarios.faults.fault import FaultValue, Seconds, Share
from scenarios.faults.network import Down
from scenarios.faults.programme import ProgrammedFault
from scenarios.fleet import Fleet

HEALTHY: Final[dict[str, Any]] = {"tarpit_s": 0.0, "defer_rate": 0.0}


class _MailFault(ProgrammedFault, frozen=True, kw_only=True):
    simulator = "catcher"
    spoken_of = "the mail server"
    healthy = HEALTHY
    target: str = "smtp"


class MailTarpit(_MailFault, frozen=True, kw_only=True, tag="mail-tarpit"):
    """Every mail is taken only after `tarpit_s`."""

    tarpit_s: Seconds = 30.0

    def programme(self) -> dict[str, Any]:
        return {"tarpit_s": self.tarpit_s}


class MailDefer(_MailFault, frozen=True, kw_only=True, tag="mail-defer"):
    """A share of the mails is answered 451: try again later."""

    rate: Share = 1.0

    def programme(self) -> dict[str, Any]:
        return {"defer_rate": self.rate}


class MailRefuse(FaultValue, frozen=True, tag="mail-refuse"):
    """Nobody listens where notifications hands mails over."""

    target: str = "smtp"

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        return await self._link.bite(fleet)

    async def heal(self, fleet: Fleet) -> None:
        await self._link.heal(fleet)

    @property
    def _link(self) -> Down:
        return Down(target=f"notifications:{self.target}")
