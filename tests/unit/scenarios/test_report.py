import re
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from scenarios.checkers import Outcome, named
from scenarios.evidence import Evidence, in_scope
from scenarios.report import page, write_report
from scenarios.report.plots import WIDE_WIDTH, Band, Curve, Frame, curve_plot, nice_top, number
from scenarios.report.series import answer_rates, percentile_of, plotted_span, unit_curves
from scenarios.run_directory import conclude
from scenarios.verdict import judge
from tests.support.anomalies import charged_twice, oversell
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import SKU

HOSTILE = '<script>alert("x")</script>'


def rendered(evidence: Evidence) -> str:
    return page(in_scope(evidence), judge(evidence), run_name="20261122T110000Z-flash-sale-7")


def drawings(html: str) -> list[ET.Element]:
    """Every plot must be well-formed on its own."""
    return [ET.fromstring("<svg" + part.split("</svg>")[0] + "</svg>") for part in html.split("<svg")[1:]]  # noqa: S314


def test_a_report_stands_alone() -> None:
    html = rendered(FlashSale().evidence())
    assert len(drawings(html)) == 3
    for foreign in ("http://", "https://", "<script", "<link", "@import", "url("):
        assert foreign not in html


def test_a_failed_run_shows_what_where_and_how_much() -> None:
    evidence = FlashSale(defect="read-then-write").evidence()
    oversell(evidence, range(14, 20))
    html = rendered(evidence)
    verdict = judge(evidence)
    assert verdict.outcome is Outcome.FAIL
    first = verdict.first_violation
    assert first is not None
    assert f"first violation {first.after_s:.2f} s" in html
    assert "sold beyond supply" in html
    worst = next(result for result in verdict.results if result.id == "INV-02").worst
    assert worst is not None
    assert worst.order_id in html.replace("<wbr>", "")
    assert "shopctl scenario run flash-sale --seed 7 --defect read-then-write" in html
    assert "shopctl scenario recheck 20261122T110000Z-flash-sale-7" in html
    assert html.count("the order&#39;s story") + html.count("the order's story") >= 3


def test_everything_from_a_run_is_escaped() -> None:
    evidence = FlashSale(defect=HOSTILE).evidence()
    oversell(evidence, range(14, 20))
    evidence.facts.title = HOSTILE
    evidence.facts.parameters[HOSTILE] = HOSTILE
    evidence.facts.skips["INV-04"] = HOSTILE
    evidence.facts.problems.append(HOSTILE)
    fault = evidence.facts.faults[0]
    evidence.facts.faults[0] = msgspec.structs.replace(fault, name=HOSTILE, target=HOSTILE, probe=HOSTILE)
    evidence.history[:] = [
        msgspec.structs.replace(record, error=HOSTILE if record.error else "", trace_id=HOSTILE)
        for record in evidence.history
    ]
    evidence.audit.orders[:] = [
        msgspec.structs.replace(row, trace_id=HOSTILE, customer_id=row.customer_id) for row in evidence.audit.orders
    ]
    html = rendered(evidence)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_an_empty_run_still_has_a_report() -> None:
    evidence = FlashSale().evidence()
    empty = Evidence(facts=evidence.facts, history=[])
    assert "Too weak to judge" in rendered(empty)


def test_the_report_is_drawn_again_from_its_directory(tmp_path: Path) -> None:
    conclude(FlashSale().evidence(), tmp_path, named("INV-02"))
    drawn = (tmp_path / "report.html").read_text()
    (tmp_path / "report.html").unlink()
    assert write_report(tmp_path).read_text() == drawn


def test_the_curves_end_where_the_sale_ended() -> None:
    evidence = FlashSale().evidence()
    span = plotted_span(evidence)
    curves = unit_curves(evidence, SKU, span)
    assert curves.supply[-1][1] == 8
    assert curves.confirmed[-1][1] == 7
    assert curves.available[-1][1] == 0
    assert curves.oversold == []


def test_every_answer_is_in_one_bucket() -> None:
    evidence = FlashSale(buyers=100, supply=20).evidence()
    span = plotted_span(evidence)
    rates = answer_rates(evidence, span)
    total = sum(rates.accepted + rates.refused + rates.unknown) * span.bucket_s
    assert round(total) == len(evidence.purchases)


@pytest.mark.parametrize(("percentile", "expected"), [(50, 5), (95, 10), (99, 10), (10, 1)])
def test_percentiles_are_values_that_were_measured(percentile: int, expected: int) -> None:
    assert percentile_of(range(1, 11), percentile) == expected


@pytest.mark.parametrize(("value", "least"), [(0, 1), (3, 3), (99, 100), (147, 150), (10_000, 10_000)])
def test_the_axis_ends_above_the_highest_value(value: float, least: float) -> None:
    assert least <= nice_top(value) <= max(2 * value, 1)


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (1.5, "1.5"), (20, "20"), (1250, "1,250"), (0.05, "0.05")])
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_a_curve_without_points_is_no_drawing_error() -> None:
    frame = Frame(title="nothing", unit="ms", start_s=0, end_s=1, top=1)
    ET.fromstring(curve_plot(frame, [Curve("nothing", "s-blue", [])]))  # noqa: S314


def test_the_labels_of_faults_at_one_moment_do_not_lie_over_each_other() -> None:
    frame = Frame(title="units", unit="", start_s=0, end_s=10, top=1, width=WIDE_WIDTH)
    bands = [Band("kill orders-1", 1.0, 1.2), Band("kill payments-1", 1.0, 2.0), Band("kill kafka", 8.0, 9.0)]
    orders, payments, kafka = re.findall(r'class="note" x="[\d.]+" y="([\d.]+)"', curve_plot(frame, [], bands=bands))
    assert orders != payments
    assert orders == kafka


def test_what_is_at_stake_is_told_in_all_and_per_minute() -> None:
    evidence = FlashSale().evidence()
    assert "a minute" not in rendered(evidence)
    evidence = FlashSale().evidence()
    charged_twice(evidence)
    html = rendered(evidence)
    minutes = evidence.facts.load_s / 60
    assert f"orders of 1 customers at stake, {1 / minutes:,.0f} a minute" in html
    assert f"money at stake, {76.29 / minutes:,.2f} EUR a minute" in html


def test_what_did_happen_is_a_table_and_what_did_not_stands_out() -> None:
    evidence = FlashSale().evidence()
    html = rendered(evidence)
    assert "It did happen" in html
    assert "last-unit-raced" in html
    assert "NEVER" not in html
    evidence.facts.required.append("key-reused")
    assert "NEVER" in rendered(evidence)
