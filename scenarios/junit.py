"""A verdict as JUnit XML, for build servers: one test case per invariant."""

from pathlib import Path
from xml.etree import ElementTree as ET

from scenarios.checkers import Outcome, Result
from scenarios.verdict import NONE_PLANTED, Verdict

JUNIT = "junit.xml"


def write_junit(verdict: Verdict, run_dir: Path) -> Path:
    """FAIL is a failure, INVALID an error, a skipped invariant is skipped with its reason."""
    path = run_dir / JUNIT
    path.write_bytes(junit_xml(verdict))
    return path


def junit_xml(verdict: Verdict) -> bytes:
    outcomes = [result.outcome for result in verdict.results]
    name = f"{verdict.scenario}, {verdict.planted}"
    run_invalid = bool(verdict.weaknesses)
    suite = ET.Element(
        "testsuite",
        name=f"shopstream.{verdict.scenario}",
        tests=str(len(outcomes) + len(verdict.skipped) + run_invalid),
        failures=str(outcomes.count(Outcome.FAIL)),
        errors=str(outcomes.count(Outcome.INVALID) + run_invalid),
        skipped=str(len(verdict.skipped)),
    )
    properties = ET.SubElement(suite, "properties")
    for key, value in (
        ("seed", verdict.seed),
        ("defect", verdict.defect or NONE_PLANTED),
        ("verdict", verdict.outcome),
        *((f"did happen: {state.id}", state.count) for state in verdict.happened),
    ):
        ET.SubElement(properties, "property", name=key, value=str(value))
    for result in verdict.results:
        case = ET.SubElement(suite, "testcase", classname=name, name=f"{result.id} {result.name}")
        _describe(case, result)
    for invariant, reason in verdict.skipped.items():
        case = ET.SubElement(suite, "testcase", classname=name, name=invariant)
        ET.SubElement(case, "skipped", message=printable(reason))
    if run_invalid:
        case = ET.SubElement(suite, "testcase", classname=name, name="the run is strong enough to judge")
        ET.SubElement(case, "error", message=printable("; ".join(verdict.weaknesses)))
    ET.indent(suite)
    return ET.tostring(suite, encoding="utf-8", xml_declaration=True)


def printable(text: str) -> str:
    """Without the characters that XML cannot carry: controls, halves of surrogate pairs, non-characters."""
    return "".join(
        char
        for char in text
        if char in "\t\n" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char >= "\U00010000"
    )


def _describe(case: ET.Element, result: Result) -> None:
    if result.outcome is Outcome.PASS:
        return
    if result.outcome is Outcome.INVALID:
        ET.SubElement(case, "error", message=printable("; ".join(result.weaknesses)), type="INVALID")
        return
    kinds = ", ".join(f"{count} × {kind}" for kind, count in result.counts.items())
    failure = ET.SubElement(case, "failure", message=printable(kinds), type="FAIL")
    failure.text = printable(
        "\n".join(
            f"{example.kind}: {example.message} [order {example.order_id or '–'}, trace {example.trace_id or '–'}]"
            for example in result.examples
        )
    )
