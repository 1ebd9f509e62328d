"""What a drill draws, shows, hints and counts; and that an open one tells nobody what is planted."""

import re
from collections import Counter
from typing import Any

import msgspec
import pytest

from compose import ports
from compose.layout import Layout
from compose.operator_error import OperatorError
from scenarios.checkers import ALL_CHECKERS, MEASURED_CHECKERS, Outcome
from scenarios.drilling import (
    draw,
    guarding,
    hints,
    judging,
    pages,
    play,
    record,
    review,
    scoring,
    signals,
    terminal_plot,
    texts,
)
from scenarios.drilling.record import Drill, Finding, Impact, Moment, Truth
from scenarios.drilling.refusals import Refusal
from scenarios.drilling.symptoms import SYMPTOMS
from scenarios.drilling.truth import impact_of, money_share, truth_of
from scenarios.drills import SCENARIOS, scenario
from scenarios.evidence import in_scope
from scenarios.plan import Scenario
from scenarios.verdict import Verdict, judge
from tests.support.anomalies import ANOMALIES
from tests.support.builders import FlashSale
from tests.support.builders.rush import with_rush
from tests.support.drill_cheats import broken_sale

SALE = scenario("flash-sale")
ALERTED_AT = 1_800_000_000.0
CARDS = [(incident, card) for incident in SCENARIOS for card in incident.defects]


def drawn(cause: str, *, level: int = 2) -> draw.Draw:
    seed = next(seed for seed in range(1_000) if draw.draw(SALE, level=level, seed=seed).cause == cause)
    return draw.draw(SALE, level=level, seed=seed)


def shown(cause: str = "read-then-write", *, level: int = 2) -> signals.Brief:
    evidence = in_scope(broken_sale())
    return signals.brief(evidence, judge(evidence), drawn(cause, level=level), known="")


def drill(cause: str = "read-then-write", **changes: object) -> Drill:
    card = None if cause == draw.HEALTHY else SALE.defect(cause)
    made = Drill(
        id="20260101T120000Z-flash-sale",
        incident="flash-sale",
        level=2,
        seed=4,
        form="quick",
        run="20260101T115900Z-flash-sale-4",
        load_seed=4,
        truth=Truth(
            cause=cause,
            services=card.services if card else (),
            findings=(Finding(id="INV-02", name="no-oversell", statement="s", violations=2),) if card else (),
            orders={"id-1": "SO-1", "id-2": "SO-2"} if card else {},
        ),
        guard=record.Guard(),
        brief=shown(),
        alerted_at=ALERTED_AT,
        timeline=[Moment(ALERTED_AT, "the alert: the clock starts")],
    )
    return msgspec.structs.replace(made, **changes)


# the draw


@pytest.mark.parametrize("incident", SCENARIOS, ids=lambda incident: incident.id)
def test_a_seed_draws_the_same_for_everybody_and_all_seeds_every_defect(incident: Scenario) -> None:
    causes = {draw.draw(incident, level=2, seed=seed).cause for seed in range(500)}
    assert causes == {card.id for card in incident.defects}
    assert draw.draw(incident, level=3, seed=7) == draw.draw(incident, level=3, seed=7)


def test_only_on_the_last_level_there_may_be_nothing_wrong() -> None:
    for level in (1, 2, 3):
        assert draw.HEALTHY not in {draw.draw(SALE, level=level, seed=seed).cause for seed in range(200)}
    last = [draw.draw(SALE, level=4, seed=seed).cause for seed in range(200)]
    assert 60 < last.count(draw.HEALTHY) < 140


def test_hard_levels_mislead_and_lack_a_signal() -> None:
    assert {draw.draw(SALE, level=level, seed=1).misleads for level in (1, 2)} == {False}
    assert {draw.draw(SALE, level=3, seed=seed).missing for seed in range(50)} == set(draw.SIGNALS)
    assert all(draw.draw(SALE, level=3, seed=seed).misleads for seed in range(50))


def test_whatever_is_planted_the_same_services_start_anew() -> None:
    assert set(draw.services(SALE)) == {service for card in SALE.defects for service in card.services}


# the brief


def test_the_brief_shows_symptoms_and_names_no_defect_no_invariant_and_no_part() -> None:
    brief = shown()
    text = msgspec.json.encode(brief).decode()
    assert brief.alerts
    assert brief.graphs
    assert brief.logs
    assert brief.mails
    assert not re.search(r"INV-\d\d", text)
    for _, card in CARDS:
        assert card.id not in text
        assert card.title not in text
        assert not any(re.search(rf"\b{part}\b", text) for part in card.parts)


@pytest.mark.parametrize(
    ("spoil", "invariant"), [(row[0], row[1]) for row in ANOMALIES], ids=[row[0].__name__ for row in ANOMALIES]
)
def test_whatever_goes_wrong_there_is_an_alert_for_it(spoil, invariant: str) -> None:
    sale = FlashSale().evidence()
    measured = invariant in {checker.id for checker in MEASURED_CHECKERS}
    evidence = with_rush(sale) if measured else sale
    spoil(evidence)
    verdict = judge(evidence, MEASURED_CHECKERS if measured else ALL_CHECKERS)
    brief = signals.brief(in_scope(evidence), verdict, drawn("read-then-write"), known="")
    assert invariant in verdict.failed
    assert invariant in SYMPTOMS
    assert len(brief.alerts) == min(len(verdict.failed), signals.ALERTS_MAX)
    assert not any("\n" in line for line in brief.logs)
    assert not any("{" in mail.subject + mail.body for mail in brief.mails)


def test_what_the_defect_is_known_by_is_among_the_alerts_however_many_there_are() -> None:
    evidence = in_scope(broken_sale())
    for seed in range(20):
        evidence.facts.seed = seed
        brief = signals.brief(evidence, judge(evidence), drawn("read-then-write"), known="")
        assert len(brief.alerts) == signals.ALERTS_MAX
        assert any("more units confirmed" in alert for alert in brief.alerts)


def test_a_healthy_shop_has_its_complaints_too() -> None:
    evidence = in_scope(FlashSale().evidence())
    brief = signals.brief(evidence, judge(evidence), drawn(draw.HEALTHY, level=4), known="")
    assert brief.alerts
    assert brief.gaps


def test_a_missing_signal_is_said_to_be_missing() -> None:
    for seed in range(30):
        hard = draw.draw(SALE, level=3, seed=seed)
        evidence = in_scope(broken_sale())
        brief = signals.brief(evidence, judge(evidence), hard, known="")
        assert not getattr(brief, hard.missing)
        assert hard.missing in brief.gaps


def test_a_plot_in_the_terminal_is_narrow_and_shows_the_top_value() -> None:
    graph = signals.Graph(
        title="Units", unit="units", start_s=0.0, end_s=10.0, curves={"sold": ((0.0, 0.0), (5.0, 27.0), (10.0, 27.0))}
    )
    lines = terminal_plot.drawn(graph)
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("      27 │")
    assert lines[1].count("█") == pytest.approx(terminal_plot.WIDTH / 2, abs=2)


def test_people_see_the_brief_as_text_and_as_a_page(layout: Layout) -> None:
    open_drill = drill()
    text = "\n".join(texts.brief_lines(open_drill, SALE))
    page = pages.write_brief(layout, open_drill, SALE).read_text()
    for alert in open_drill.brief.alerts:
        assert alert in text
        assert alert.split("  ")[1][:20] in page
    assert "read-then-write, " in text  # as one of the causes to choose from, no more than once
    assert text.count("read-then-write") == 1


# hints and points


@pytest.mark.parametrize(("incident", "card"), CARDS, ids=lambda value: getattr(value, "id", ""))
def test_hints_lead_from_direction_to_location_without_naming_the_cause(incident: Scenario, card) -> None:
    first, second, third = hints.hints(card, incident.checkers)
    assert all(service in second and service in third for service in card.services)
    assert card.id not in first + second + third


def test_quick_is_worth_more_than_slow_and_slow_never_less_than_half() -> None:
    assert scoring.share(10.0, 300.0) == 1.0
    assert 0.5 < scoring.share(600.0, 300.0) < 1.0
    assert scoring.share(9_999.0, 300.0) == 0.5


def test_all_reached_at_once_and_the_impact_named_is_all_points() -> None:
    reached = dict.fromkeys(record.PHASES, ALERTED_AT + 1.0)
    made = drill(phases=reached, impact=Impact(named=2, precision=1.0, recall=1.0), money_minor={"EUR": 500})
    made.truth = msgspec.structs.replace(made.truth, money_minor={"EUR": 500})
    account = scoring.score(made, repairable=True)
    assert (account.total, account.of) == (100, 100)
    assert scoring.score(made, repairable=False).of == 85


@pytest.mark.parametrize(
    "costly",
    [{"hints": 1}, {"wrong": 1}, {"all_clear": True}, {"needless": 1}, {"harmed": {"id-9": "INV-03: was right"}}],
    ids=str,
)
def test_hints_wrong_answers_needless_actions_and_harm_cost_points(costly: dict[str, object]) -> None:
    reached = dict.fromkeys(record.PHASES, ALERTED_AT + 1.0)
    assert scoring.score(drill(phases=reached, **costly), repairable=True).total < 85
    assert scoring.score(drill(**costly), repairable=True).total == 0


def test_who_names_one_cause_after_another_has_diagnosed_nothing() -> None:
    """Else answering at random, and proving what answered to it, would be worth more than the rest of the work."""
    reached = dict.fromkeys(record.PHASES, ALERTED_AT + 1.0)
    tries = len(SALE.defects) // 2
    few = drill(phases=reached, wrong=scoring.GUESSES_MAX, wrong_causes=scoring.GUESSES_MAX)
    many = drill(phases=reached, wrong=tries, wrong_causes=tries)
    assert scoring.score(few, repairable=True).total == 85 - scoring.GUESSES_MAX * scoring.WRONG_COSTS
    assert scoring.score(many, repairable=True).total == 85 - scoring.POINTS["diagnose"] - tries * scoring.WRONG_COSTS
    honest = scoring.score(drill(phases={"mitigate": ALERTED_AT + 1.0, "repair": ALERTED_AT + 1.0}), repairable=True)
    assert scoring.score(many, repairable=True).total <= honest.total


@pytest.mark.parametrize(
    ("truth", "named", "precision", "recall"),
    [
        ({"a": "SO-1", "b": "SO-2"}, ["SO-1", "b"], 1.0, 1.0),
        ({"a": "SO-1", "b": "SO-2"}, ["SO-1"], 1.0, 0.5),
        ({"a": "SO-1"}, ["SO-1", "SO-7", "SO-8", "SO-9"], 0.25, 1.0),
        ({"a": "SO-1"}, [], 0.0, 0.0),
        ({}, [], 1.0, 1.0),
        ({}, ["SO-1"], 0.0, 0.0),
    ],
)
def test_impact_is_scored_by_precision_and_recall(truth, named, precision: float, recall: float) -> None:
    found = impact_of(truth, named)
    assert (found.precision, found.recall) == (precision, recall)


@pytest.mark.parametrize(
    ("truth", "named", "share"),
    [
        ({"EUR": 800}, {"EUR": 800}, 1.0),
        ({"EUR": 800}, {"EUR": 400}, 0.5),
        ({"EUR": 400}, {"EUR": 800}, 0.5),
        ({"EUR": 800, "JPY": 50}, {"EUR": 800}, 0.5),
        ({"EUR": 800}, {"EUR": 800, "JPY": 1}, 0.5),
        ({"EUR": 800}, {}, 0.0),
        ({}, {}, 1.0),
        ({}, {"EUR": 1}, 0.0),
    ],
)
def test_money_is_scored_by_how_near_it_comes(truth: dict[str, int], named: dict[str, int], share: float) -> None:
    assert money_share(truth, named) == share
    made = drill(money_minor=named)
    made.truth = msgspec.structs.replace(made.truth, money_minor=truth)
    (line,) = (line for line in scoring.score(made, repairable=True).lines if line.what == "money")
    assert (line.points, line.of) == (round(scoring.MONEY_POINTS * share, 1), scoring.MONEY_POINTS)


def test_the_money_of_an_oversold_sale_is_what_its_orders_come_to() -> None:
    evidence = in_scope(broken_sale())
    truth = truth_of(SALE, draw.draw(SALE, level=2, seed=1), evidence, judge(evidence))
    totals = Counter[str]()
    for order_id in truth.orders:
        totals[evidence.orders[order_id].currency] += evidence.orders[order_id].total_minor
    assert truth.orders
    assert truth.money_minor == dict(totals)


# the record


class Memory:
    """As the supervisor's."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def highest(self, name: str, number: int) -> int:
        before = self._numbers.get(name, 0)
        self._numbers[name] = max(before, number)
        return before


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def layout(tmp_path) -> Layout:
    made = Layout(tmp_path, tmp_path / "cache", ports.DEFAULT_BASE)
    (made.drills / drill().id).mkdir(parents=True)
    return made


def test_an_open_drill_is_kept_and_its_folder_tells_nobody_the_truth(layout: Layout) -> None:
    record.save(layout, drill())
    assert record.current(layout).truth == drill().truth
    for path in layout.drills.rglob("*"):
        if path.is_file():
            assert b"read-then-write" not in path.read_bytes()


def test_a_record_that_somebody_edited_is_judged_no_more(layout: Layout) -> None:
    record.save(layout, drill())
    path = record.folder(layout, drill()) / record.FILE
    path.write_text(path.read_text().replace("A", "B", 1))
    with pytest.raises(OperatorError) as refused:
        record.current(layout)
    assert (refused.value.code, refused.value.exit_code) == ("drill.damaged", 3)


def test_who_has_played_the_same_before_is_known(layout: Layout) -> None:
    record.save(layout, drill(closed_at=ALERTED_AT + 60))
    assert record.played_before(layout, "flash-sale", level=2, seed=4) == [drill().id]
    assert record.played_before(layout, "flash-sale", level=3, seed=4) == []


def test_a_record_of_another_drill_is_none_of_this_one(layout: Layout) -> None:
    record.save(layout, drill())
    good = record.folder(layout, drill()) / record.FILE
    later = layout.drills / "20260101T130000Z-flash-sale"
    later.mkdir()
    (later / record.FILE).write_text(good.read_text())
    with pytest.raises(OperatorError) as refused:
        record.newest(layout)
    assert refused.value.code == "drill.damaged"


def test_an_older_copy_of_the_record_that_somebody_puts_back_is_not_judged(layout: Layout, memory: Memory) -> None:
    record.save_next(layout, drill(), memory)
    path = record.folder(layout, drill()) / record.FILE
    before = path.read_text()
    assert play.hint(layout, memory)[0] == 1
    path.write_text(before)
    with pytest.raises(OperatorError) as refused:
        play.hint(layout, memory)
    assert refused.value.code == "drill.damaged"


def test_where_the_supervisor_began_anew_the_review_says_that_only_the_record_vouches(layout: Layout) -> None:
    record.save_next(layout, drill(), Memory())
    assert play.hint(layout, Memory())[0] == 1
    assert record.UNVOUCHED in {moment.what for moment in record.current(layout).timeline}


def test_two_commands_of_a_drill_are_never_under_way_at_once(layout: Layout, memory: Memory) -> None:
    """An answer that was given while another command wrote what it had read before would be forgotten."""
    record.save(layout, drill())
    with record.under_way(layout, memory) as changed:
        changed.wrong += 1
        with pytest.raises(OperatorError) as refused:
            play.hint(layout, memory)
    assert refused.value.code == "drill.busy"
    assert play.hint(layout, memory)[0] == 1
    assert record.current(layout).wrong == 1


def test_a_drill_that_is_over_is_not_under_way(layout: Layout) -> None:
    record.save(layout, drill(closed_at=ALERTED_AT + 60))
    with pytest.raises(OperatorError) as refused:
        record.current(layout)
    assert refused.value.code == "drill.none"
    newest = record.newest(layout)
    assert newest is not None


def test_hints_are_three_and_counted(layout: Layout, memory: Memory) -> None:
    record.save(layout, drill())
    assert [play.hint(layout, memory)[0] for _ in range(3)] == [1, 2, 3]
    with pytest.raises(OperatorError) as refused:
        play.hint(layout, memory)
    assert refused.value.code == "hints.spent"
    assert record.current(layout).hints == 3


def test_a_hint_that_the_brief_gave_is_not_sold_again(layout: Layout, memory: Memory) -> None:
    record.save(layout, drill(told=1))
    given = [play.hint(layout, memory) for _ in range(2)]
    assert given == list(enumerate(hints.hints(SALE.defect("read-then-write"), SALE.checkers), start=1))[1:]
    with pytest.raises(OperatorError):
        play.hint(layout, memory)


def test_a_replay_that_passes_with_the_wrong_cause_switched_off_proves_nothing() -> None:
    passed = judging.Judged(phase="", outcome=Outcome.PASS)
    assert judging.proof(passed, fixed=True, unmended=True).exit_code == 3
    assert judging.proof(passed, fixed=True, unmended=True).refusals == (judging.LUCK,)
    assert judging.proof(passed, fixed=True, unmended=False).exit_code == 0
    assert judging.proof(passed, fixed=False, unmended=True).exit_code == 0


def test_a_replay_that_fails_is_told_as_it_is() -> None:
    failed = judging.Judged(phase="", outcome=Outcome.FAIL, refusals=(Refusal("INV-02", "r"),))
    for fixed in (True, False):
        judged = judging.proof(failed, fixed=fixed, unmended=True)
        assert (judged.exit_code, judged.refusals) == (1, failed.refusals)


PASSED = judging.Judged(phase="", outcome=Outcome.PASS)
SILENT = judging.Judged(phase="", outcome=Outcome.INVALID, refusals=(Refusal("", "the machine was busy"),))
WEAK = judging.Judged(phase="", outcome=Outcome.INVALID, refusals=(Refusal("INV-02", "cannot be judged"),))
FAILED = judging.Judged(phase="", outcome=Outcome.FAIL, refusals=(Refusal("INV-02", "violated"),))


@pytest.mark.parametrize(
    ("fixed", "played"),
    [
        (True, [PASSED]),
        (False, [PASSED, PASSED]),
        (True, [SILENT, SILENT, PASSED]),
        (False, [SILENT, PASSED, SILENT, PASSED]),
        (False, [PASSED, SILENT, SILENT, SILENT]),
        (True, [WEAK]),
        (False, [PASSED, FAILED]),
    ],
    ids=["mended", "unmended", "busy", "busy and unmended", "too busy", "weak", "lucky once"],
)
async def test_a_load_is_played_again_when_it_may_be_luck_or_says_nothing(
    monkeypatch: pytest.MonkeyPatch, fixed: bool, played: list[judging.Judged]
) -> None:
    left = list(played)

    async def once(*_: object) -> judging.Judged:
        return left.pop(0)

    monkeypatch.setattr(judging, "_replayed_once", once)
    fleet: Any = None
    assert await judging.replayed(fleet, drill(fixed=fixed), SALE, lambda _: None) is played[-1]
    assert left == []


def test_what_was_started_anew_added_or_taken_away_was_touched() -> None:
    before = {"orders-1": 1, "inventory-1": 2, "inventory-2": 3}
    assert guarding.touched(before, {"orders-1": 1, "inventory-1": 9, "gateway-2": 4}) == [
        "gateway-2",
        "inventory-1",
        "inventory-2",
    ]
    assert guarding.touched(before, dict(before)) == []


def test_what_the_drill_itself_starts_anew_was_touched_by_nobody() -> None:
    alerted = {"orders-1": 1, "inventory-1": 2, "inventory-2": 3}
    began = {"orders-1": 1, "inventory-1": 9, "inventory-2": 3}
    now = {"orders-1": 4, "inventory-1": 10, "inventory-2": 5}
    assert guarding.touched(guarding.carried_on(alerted, began, now), now) == ["inventory-1"]


def test_what_is_rolled_back_is_out_until_it_is_deployed_again() -> None:
    assert drill().is_broken
    assert not drill(rolled_back=("inventory",)).is_broken
    assert drill(rolled_back=("orders",)).is_broken
    assert not drill(fixed=True).is_broken
    assert not drill(draw.HEALTHY).is_broken


def test_the_review_tells_the_truth_the_points_and_what_was_not_reached(layout: Layout) -> None:
    made = drill(refused={"repair": ("INV-02: 2 × violated",)}, note="<script>", closed_at=ALERTED_AT + 90)
    found = review.review(made, SALE)
    text = "\n".join(texts.review_lines(found))
    page = pages.write_review(layout, made, found).read_text()
    for told in ("read-then-write", "INV-02", "SO-1", "the alert: the clock starts"):
        assert told in text
        assert told in page
    assert not found.complete
    assert "<script>" not in page
    assert (record.folder(layout, made) / "review.txt").read_text().strip() == text.strip()


def test_a_review_of_a_healthy_fleet_says_so() -> None:
    found = review.review(drill(draw.HEALTHY), SALE)
    assert found.cause == draw.HEALTHY
    assert found.findings == ("Every invariant held.",)


def test_before_the_cause_is_found_nobody_is_told_whether_the_damage_is_undone() -> None:
    assert not play.repair_is_open(drill())
    assert play.repair_is_open(drill(phases={"diagnose": ALERTED_AT}))
    assert not play.repair_is_open(drill(phases={"diagnose": ALERTED_AT, "repair": ALERTED_AT}))


def test_a_verdict_of_a_run_under_a_drill_does_not_say_that_nothing_is_planted() -> None:
    verdict: Verdict = judge(FlashSale(defect="hidden").evidence())
    assert verdict.planted == "defect hidden"
