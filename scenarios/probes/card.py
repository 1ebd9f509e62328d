"""What is said of an attack in the words that security people use, and what it came to. Pure data."""

from enum import StrEnum
from typing import Final

import msgspec

ATTACK: Final = "attack"
"""The function of an attack's operation in the history; its key is the probe's id."""
INVARIANT: Final = "INV-23"


class Severity(StrEnum):
    """How bad it is when the attack succeeds; `score` is the middle of its CVSS 4.0 band."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def score(self) -> float:
        return _SCORES[self]


_SCORES: Final = {Severity.CRITICAL: 9.5, Severity.HIGH: 8.0, Severity.MEDIUM: 5.5, Severity.LOW: 2.0}


class Owasp(StrEnum):
    """OWASP API Security Top 10 (2023), and of the Web Top 10 (2021) what the former has no item for."""

    OBJECTS = "API1:2023 Broken Object Level Authorization"
    AUTHENTICATION = "API2:2023 Broken Authentication"
    PROPERTIES = "API3:2023 Broken Object Property Level Authorization"
    RESOURCES = "API4:2023 Unrestricted Resource Consumption"
    FUNCTIONS = "API5:2023 Broken Function Level Authorization"
    FLOWS = "API6:2023 Unrestricted Access to Sensitive Business Flows"
    SSRF = "API7:2023 Server Side Request Forgery"
    CONFIGURATION = "API8:2023 Security Misconfiguration"
    INVENTORY = "API9:2023 Improper Inventory Management"
    CONSUMPTION = "API10:2023 Unsafe Consumption of APIs"
    INJECTION = "A03:2021 Injection"
    LOGGING = "A09:2021 Security Logging and Monitoring Failures"


class ProbeCard(msgspec.Struct, frozen=True, kw_only=True):
    """One attack. `cwe` is the number of the weakness (MITRE CWE) that lets it succeed.

    `services` must run for it to be tried; `reaches` is the one of them that must have had the attack in its hands.
    """

    id: str
    title: str
    severity: Severity
    cwe: int
    owasp: Owasp
    remediation: str
    services: tuple[str, ...]
    reaches: str

    @property
    def invariant(self) -> str:
        """The id of the invariant that says that this attack does not succeed."""
        return f"{INVARIANT}.{self.id}"


class Exchange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request of an attack and the answer to it, cut short."""

    request: str
    status: int
    answer: str = ""
    trace_id: str = ""


class AttackOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an attack came to. `gains` say what the attacker got; none is a repelled attack.

    `reached`: its requests are in the log of the service they were meant for, so that it was repelled by whom it
    should have been.
    """

    probe: str
    gains: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    requests: int = 0
    statuses: dict[str, int] = {}
    reached: bool = False
