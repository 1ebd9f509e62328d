"""How the mail server misbehaves: slow to take a mail, not now, or not there."""

from typing import Any

from scenarios.faults.fault import FaultValue, Seconds, Share
from scenarios.faults.network import Down
from scenarios.fleet import Fleet


class _MailFault(FaultValue, frozen=True, kw_only=True):
    target: str = "smtp"

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        wanted = self.programme()
        await fleet.world("catcher", "PATCH", "/control/behaviour", json=wanted)
        now: dict[str, Any] = await fleet.world("catcher", "GET", "/control/behaviour")
        told = ", ".join(f"{name} {now[name]}" for name in wanted)
        return all(now[name] == value for name, value in wanted.items()), f"the mail server says {told}"

    async def heal(self, fleet: Fleet) -> None:
        await fleet.world("catcher", "PATCH", "/control/behaviour", json=dict.fromkeys(self.programme(), 0))

    def programme(self) -> dict[str, Any]:
        """The part of the behaviour that this fault sets."""
        raise NotImplementedError


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
