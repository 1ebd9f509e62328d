"""What a build server reads of a verdict; it parses the file, so do these tests."""

from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.checkers import ALL_CHECKERS, Example, Outcome, Result
from scenarios.junit import junit_xml, write_junit
from scenarios.verdict import Verdict, judge
from tests.support.anomalies import PAID, charged_twice
from tests.support.builders import FlashSale
from tests.support.builders.verdicts import PASSED, TOO_WEAK, verdict

HOSTILE = '<b>&"]]>\x00\x1b[31m\ufffe\uffff\ud800'


def parsed(judged: Verdict) -> ET.Element:
    return ET.fromstring(junit_xml(judged))  # noqa: S314 - our own text


def cases(suite: ET.Element) -> dict[str, ET.Element]:
    return {case.attrib["name"]: case for case in suite.iter("testcase")}


def with_result(result: Result) -> Verdict:
    return msgspec.structs.replace(PASSED, results=(result,))


def test_every_invariant_is_a_case_that_passes_without_a_word() -> None:
    suite = parsed(judge(FlashSale().evidence()))
    assert list(cases(suite)) == [f"{checker.id} {checker.name}" for checker in ALL_CHECKERS]
    assert all(len(case) == 0 for case in cases(suite).values())
    assert (suite.attrib["failures"], suite.attrib["errors"], suite.attrib["skipped"]) == ("0", "0", "0")


def test_the_suite_says_which_run_it_was() -> None:
    suite = parsed(judge(FlashSale(seed=7, defect="read-then-write").evidence()))
    assert suite.attrib["name"] == "shopstream.flash-sale"
    assert {case.attrib["classname"] for case in cases(suite).values()} == {"flash-sale, defect read-then-write"}
    said = {one.attrib["name"]: one.attrib["value"] for one in suite.iter("property")}
    assert said.items() >= {"seed": "7", "defect": "read-then-write", "verdict": "PASS"}.items()


def test_a_violation_is_a_failure_with_what_to_look_up() -> None:
    evidence = FlashSale().evidence()
    charged_twice(evidence)
    suite = parsed(judge(evidence))
    failed = {name: case.find("failure") for name, case in cases(suite).items() if case.find("failure") is not None}
    assert {name.split()[0] for name in failed} == {"INV-05", "INV-06"}
    charge = next(failure for name, failure in failed.items() if name.startswith("INV-05"))
    assert charge is not None
    assert charge.attrib == {"message": "1 × captured_twice, 1 × several_keys, 1 × key_not_stored", "type": "FAIL"}
    assert f"order {PAID}, trace {evidence.orders[PAID].trace_id}" in (charge.text or "")


def test_an_invariant_too_weak_to_judge_is_an_error_with_its_reasons() -> None:
    weak = Result(id="INV-02", name="x", outcome=Outcome.INVALID, checked=0, weaknesses=("no race", "no demand"))
    suite = parsed(with_result(weak))
    error = cases(suite)["INV-02 x"].find("error")
    assert error is not None
    assert error.attrib["message"] == "no race; no demand"
    assert suite.attrib["errors"] == "1"


def test_a_run_too_weak_to_judge_is_an_error_of_its_own() -> None:
    suite = parsed(TOO_WEAK)
    error = cases(suite)["the run is strong enough to judge"].find("error")
    assert error is not None
    assert error.attrib["message"] == "nobody came"
    assert (suite.attrib["tests"], suite.attrib["errors"]) == ("2", "1")


def test_a_skipped_invariant_says_why() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.skips["INV-04"] = "no limits here"
    suite = parsed(judge(evidence))
    skipped = cases(suite)["INV-04"].find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "no limits here"
    assert suite.attrib["tests"] == str(len(ALL_CHECKERS))


@pytest.mark.parametrize("outcome", Outcome)
def test_the_counts_are_those_of_the_cases(outcome: Outcome) -> None:
    suite = parsed(verdict(outcome, *(["INV-01", "INV-02"] if outcome is Outcome.FAIL else [])))
    assert suite.attrib["tests"] == str(len(cases(suite)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert suite.attrib[name] == str(sum(case.find(tag) is not None for case in cases(suite).values()))


@given(st.text())
def test_no_text_of_a_run_breaks_the_file(text: str) -> None:
    for said in (text, HOSTILE):
        example = Example(kind="k", message=said, order_id=said)
        failed = Result(id="I", name="n", outcome=Outcome.FAIL, checked=1, counts={said: 1}, examples=(example,))
        judged = msgspec.structs.replace(with_result(failed), skipped={"INV-04": said}, weaknesses=(said,))
        assert len(cases(parsed(judged))) == 3


def test_the_file_lies_in_the_run_directory(tmp_path: Path) -> None:
    path = write_junit(PASSED, tmp_path)
    assert path == tmp_path / "junit.xml"
    assert path.read_bytes() == junit_xml(PASSED)
    assert path.read_bytes().startswith(b"<?xml")
