"""Rare states of an attack: it came to where it was meant to, and customers were being served meanwhile."""

from collections.abc import Callable

from scenarios.evidence.bundle import Evidence
from scenarios.probes.card import ATTACK
from scenarios.rare_states.state import RareState


def _reached(evidence: Evidence) -> int:
    return sum(
        operation.invoke.function == ATTACK
        and operation.outcome in {"ok", "fail"}
        and bool(operation.completion and operation.completion.value.get("reached"))
        for operation in evidence.operations
    )


def _sold_under_attack(evidence: Evidence) -> int:
    """Orders confirmed between the first attack and the last."""
    attacks = [operation for operation in evidence.operations if operation.invoke.function == ATTACK]
    if not attacks:
        return 0
    began = evidence.facts.epoch(min(operation.invoke.time_s for operation in attacks))
    ended = evidence.facts.epoch(max(operation.last.time_s for operation in attacks))
    return sum(began <= (purchase.completed_at or 0.0) <= ended for purchase in evidence.confirmed.values())


def _answered(*statuses: str) -> Callable[[Evidence], int]:
    def count(evidence: Evidence) -> int:
        return sum(
            operation.completion.value.get("statuses", {}).get(status, 0)
            for operation in evidence.operations
            if operation.invoke.function == ATTACK and operation.completion and operation.completion.value
            for status in statuses
        )

    return count


ATTACK_REACHED = RareState("attack-reached", "attacks came to the service that they were meant for", _reached)
SOLD_UNDER_ATTACK = RareState(
    "sold-under-attack", "orders were confirmed while the shop was attacked", _sold_under_attack
)
ATTACK_UNREADABLE = RareState(
    "attack-unreadable", "attacks were refused for what they sent", _answered("400", "413", "422", "431")
)
ATTACK_UNKNOWN = RareState("attack-unknown", "attacks were refused for who they said they were", _answered("401"))
ATTACK_FORBIDDEN = RareState("attack-forbidden", "attacks were refused for want of a right", _answered("403"))
ATTACK_FOUND_NOTHING = RareState(
    "attack-found-nothing", "attacks asked for things of others and were told that there are none", _answered("404")
)
ATTACK_SLOWED = RareState("attack-slowed", "attacks were refused for coming too often", _answered("429"))
ATTACK_SERVED = RareState(
    "attack-served", "requests of attackers were served as harmless as they were", _answered("200", "201", "204")
)
