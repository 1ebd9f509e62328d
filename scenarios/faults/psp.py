"""How the payment provider misbehaves, through its control interface; each fault is one part of its programme."""

from typing import Any, Final

from scenarios.faults.fault import Number, Seconds, Share
from scenarios.faults.programme import ProgrammedFault

HEALTHY: Final[dict[str, Any]] = {
    "decline_rate": 0.0,
    "timeout_after_success_rate": 0.0,
    "error_then_success_rate": 0.0,
    "slow_rate": 0.0,
    "slow_s": 8.0,
    "webhook_copies": 1,
    "webhook_shuffle": False,
    "webhook_before_response_rate": 0.0,
    "webhook_delay_s": 0.0,
}


class _PspFault(ProgrammedFault, frozen=True, kw_only=True):
    simulator = "psp"
    spoken_of = "the PSP"
    healthy = HEALTHY
    target: str = "psp"


class PspDecline(_PspFault, frozen=True, kw_only=True, tag="psp-decline"):
    """A share of the payments is declined."""

    rate: Share = 1.0

    def programme(self) -> dict[str, Any]:
        return {"decline_rate": self.rate}


class PspTimeout(_PspFault, frozen=True, kw_only=True, tag="psp-timeout"):
    """A share of the commands succeeds and is never answered."""

    rate: Share = 0.5

    def programme(self) -> dict[str, Any]:
        return {"timeout_after_success_rate": self.rate}


class PspError(_PspFault, frozen=True, kw_only=True, tag="psp-error"):
    """A share of the commands is answered 500 at first and succeeds when repeated."""

    rate: Share = 0.5

    def programme(self) -> dict[str, Any]:
        return {"error_then_success_rate": self.rate}


class PspSlow(_PspFault, frozen=True, kw_only=True, tag="psp-slow"):
    """A share of the commands is answered after `slow_s`."""

    rate: Share = 0.5
    slow_s: Seconds = 8.0

    def programme(self) -> dict[str, Any]:
        return {"slow_rate": self.rate, "slow_s": self.slow_s}


class WebhookStorm(_PspFault, frozen=True, kw_only=True, tag="webhook-storm"):
    """Every webhook comes `copies` times, shuffled, a share of them before the answer it tells about."""

    copies: Number = 5
    before_response_rate: Share = 0.1
    delay_s: Seconds = 0.0

    def programme(self) -> dict[str, Any]:
        return {
            "webhook_copies": self.copies,
            "webhook_shuffle": True,
            "webhook_before_response_rate": self.before_response_rate,
            "webhook_delay_s": self.delay_s,
        }
