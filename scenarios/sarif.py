"""Findings of attacks as SARIF 2.1.0 (OASIS), which code hosts and security tools read.

A rule per attack and a result per attack: `fail` where it succeeded, `pass` where it was repelled, `open` where it
could not be tried. Evidence are the web requests of the attack with the answers to them.
"""

from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from typing import Any, Final

from scenarios.probes.card import Exchange, ProbeCard, Severity

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
VERSION: Final = "2.1.0"
CWE: Final = {"name": "CWE", "organization": "MITRE", "shortDescription": {"text": "Common Weakness Enumeration"}}
LEVELS: Final = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
KINDS: Final = {"succeeded": "fail", "repelled": "pass", "not tried": "open"}
SAID: Final = {"repelled": "Repelled: it gained the attacker nothing.", "not tried": "The attack could not be tried."}
Attacked = tuple[ProbeCard, str, Sequence[str], Sequence[Exchange]]
"""A card, `succeeded`, `repelled` or `not tried`, what was gained, and the requests."""
Json = dict[str, Any]


def sarif(attacked: Sequence[Attacked], *, run: str) -> Json:
    """A log of one run; `run` names it among others of its kind."""
    weaknesses = sorted({card.cwe for card, *_ in attacked})
    driver: Json = {
        "name": "ShopStream penetration test",
        "version": version("shopstream"),
        "rules": [_rule(card) for card, *_ in attacked],
        "supportedTaxonomies": [{"name": "CWE", "index": 0}],
    }
    return {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": run},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": all(state != "not tried" for _, state, *_ in attacked)}],
                "taxonomies": [{**CWE, "taxa": [{"id": str(number)} for number in weaknesses]}],
                "results": [_result(place, *one) for place, one in enumerate(attacked)],
            }
        ],
    }


def _rule(card: ProbeCard) -> Json:
    return {
        "id": card.id,
        "name": "".join(word.title() for word in card.id.split("-")),
        "shortDescription": {"text": card.title},
        "fullDescription": {"text": f"{card.title}. {card.owasp}."},
        "help": {"text": card.remediation},
        "helpUri": f"https://cwe.mitre.org/data/definitions/{card.cwe}.html",
        "defaultConfiguration": {"level": LEVELS[card.severity]},
        "relationships": [{"target": {"id": str(card.cwe), "toolComponent": {"name": "CWE"}}, "kinds": ["superset"]}],
        "properties": {
            "tags": ["security", f"external/cwe/cwe-{card.cwe:03}", card.owasp.partition(" ")[0]],
            "precision": "very-high",
            "problem.severity": LEVELS[card.severity],
            "security-severity": str(card.severity.score),
        },
    }


def _result(place: int, card: ProbeCard, state: str, gains: Sequence[str], exchanges: Sequence[Exchange]) -> Json:
    kind = KINDS[state]
    result: Json = {
        "ruleId": card.id,
        "ruleIndex": place,
        "kind": kind,
        "level": LEVELS[card.severity] if kind == "fail" else "none",
        "message": {"text": "; ".join(gains) or SAID[state]},
        "locations": [{"logicalLocations": [{"name": card.reaches, "kind": "service"}]}],
        "partialFingerprints": {"attack/v1": sha256(f"{card.id} {card.reaches}".encode()).hexdigest()},
        "properties": {"remediation": card.remediation, "traces": [it.trace_id for it in exchanges if it.trace_id]},
    }
    if exchanges:
        last = exchanges[-1]
        method, _, target = last.request.partition(" ")
        result["webRequest"] = {"protocol": "http", "version": "1.1", "method": method, "target": target}
        result["webResponse"] = {
            "protocol": "http",
            "version": "1.1",
            "statusCode": last.status,
            "body": {"text": last.answer},
        }
    return result
