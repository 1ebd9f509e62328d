"""A fault that touches nothing: what the harness itself does can then be told from what a fault does."""

from dataclasses import dataclass, field

from scenarios.faults.fault import Injected
from scenarios.fleet import Fleet


@dataclass
class NoopFault:
    """Notes in `journal` when it was injected and healed; refuses or fails to heal with the given error."""

    target: str
    journal: list[str] = field(default_factory=list)
    confirmed: bool = True
    refusal: Exception | None = None
    heal_error: Exception | None = None
    name: str = "noop"

    async def inject(self, fleet: Fleet) -> Injected:
        del fleet
        if self.refusal is not None:
            raise self.refusal
        self.journal.append(f"{self.target} injected")
        return Injected(confirmed=self.confirmed, probe="it did nothing", heal=self._heal)

    async def _heal(self) -> None:
        if self.heal_error is not None:
            raise self.heal_error
        self.journal.append(f"{self.target} healed")
