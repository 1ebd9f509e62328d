"""INV-23: no attack succeeds. One invariant per attack, made of its card, so that each hole is found by its name.

The witness is what a probe read past the services, and the log of the service that had the attack in its hands: one
that never got there was repelled by accident, and says nothing.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.history import Operation
from scenarios.probes.card import ATTACK, AttackOutcome, ProbeCard

GAINS_SHOWN_MAX: Final = 5


def repelled(card: ProbeCard) -> Checker:
    """The invariant that says that this attack does not succeed."""
    return Checker(
        id=card.invariant,
        name=card.id,
        statement=f"this gains an attacker nothing: {card.title}",
        witness=f"tables and canaries read past the services, and the log of {card.reaches}",
        needs=(),
        examine=_examine(card),
    )


def attempts(evidence: Evidence, probe_id: str) -> list[tuple[Operation, AttackOutcome | None]]:
    """Every time that the attack was played; without an outcome where it could not be begun."""
    return [
        (operation, _outcome(operation))
        for operation in evidence.operations
        if operation.invoke.function == ATTACK and operation.invoke.key == probe_id
    ]


def _examine(card: ProbeCard) -> Callable[[Evidence], Finding]:
    def examine(evidence: Evidence) -> Finding:
        findings = Findings(evidence)
        played = attempts(evidence, card.id)
        findings.require(played, "the attack was never played")
        for operation, outcome in played:
            if outcome is None:
                findings.require(condition=False, reason=f"the attack could not be begun: {operation.error}")
                continue
            findings.check(outcome.requests)
            findings.require(outcome.reached, f"no request of the attack is in the log of {card.reaches}")
            for gain in outcome.gains[:GAINS_SHOWN_MAX]:
                findings.violation(
                    "attack_succeeded",
                    gain,
                    at=evidence.facts.epoch(operation.last.time_s),
                    trace_id=outcome.exchanges[-1].trace_id if outcome.exchanges else "",
                )
        return findings.result()

    return examine


def _outcome(operation: Operation) -> AttackOutcome | None:
    if operation.outcome == "info" or operation.completion is None:
        return None
    return msgspec.convert(operation.completion.value, AttackOutcome)
