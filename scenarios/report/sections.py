"""What the report says, as data: `report.html` turns it into a page and escapes all of it."""

from datetime import UTC, datetime

import msgspec

from scenarios.chapters import of_order
from scenarios.checkers import Example, Outcome, Result
from scenarios.checkers.money_reconciles import (
    Books,
    Sums,
    ledger_book,
    orders_book,
    payments_book,
    provider_book,
)
from scenarios.checkers.standing import is_sold, units
from scenarios.evidence import Evidence, RunFacts
from scenarios.money_text import money_text
from scenarios.report.series import answers_by_code
from scenarios.statistics_text import none_in
from scenarios.verdict import Blast, Verdict

ANSWER_ROWS_MAX = 10
OUTCOME_STYLES = {"ok": "s-green", "fail": "s-grey", "info": "s-orange"}
OUTCOME_WORDS = {"ok": "ok", "fail": "refused", "info": "unknown"}
WORST_FIRST = (Outcome.FAIL, Outcome.INVALID, Outcome.PASS)
NOTHING = "–"


class Labelled(msgspec.Struct, frozen=True):
    """A value with its name: a chip of the header or a tile. `alarm` marks what went wrong."""

    name: str
    value: str
    alarm: bool = False


class Headline(msgspec.Struct, frozen=True):
    """What came out, in a sentence or two."""

    claim: str
    detail: str


class Bar(msgspec.Struct, frozen=True):
    """How often clients were answered with `code`."""

    code: str
    word: str
    style: str
    percent: str
    count: str


class StoryLine(msgspec.Struct, frozen=True):
    """One thing that happened to an order; `at` counts from the start of the load."""

    at: str
    where: str
    kind: str
    what: str
    detail: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One example of a violation, with what the evidence knows of its order."""

    label: str
    at: str
    message: str
    about: str
    order_id: str
    customer_id: str
    trace_id: str
    amount: str
    story: list[StoryLine] = []


class Finding(msgspec.Struct, frozen=True):
    """A violated invariant: the first, worst and last example, and the others."""

    id: str
    name: str
    violations: str
    shown: list[Row]
    others: list[Row]


class Book(msgspec.Struct, frozen=True):
    """One book in one currency: captured, refunded, kept, and what it differs by from the provider's."""

    name: str
    amounts: list[str]
    difference: str
    agrees: bool


class FaultRow(msgspec.Struct, frozen=True, kw_only=True):
    """One fault as it was injected and healed."""

    name: str
    target: str
    injected: str
    healed: str
    confirmed: bool
    probe: str


def moment(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else NOTHING


def chips(facts: RunFacts) -> list[Labelled]:
    """What was played."""
    told = [
        Labelled("scenario", facts.scenario),
        Labelled("seed", str(facts.seed)),
        Labelled("defect", facts.defect or "none planted", alarm=bool(facts.defect)),
        Labelled("started", moment(facts.started_at)),
        Labelled("load", _seconds(facts.load_started_at, facts.load_ended_at)),
    ]
    return [*told, Labelled("state", "after repair")] if facts.repaired else told


def headline(evidence: Evidence, verdict: Verdict, sku: str) -> Headline:
    if verdict.outcome is Outcome.FAIL:
        failed = _of(verdict, Outcome.FAIL)
        named = ", ".join(result.name for result in failed)
        first = verdict.first_violation
        when = f" First violation {first.after_s:.2f} s into the load: {first.message}." if first else ""
        return Headline(
            f"{len(failed)} of {len(verdict.results)} invariants violated:",
            f"{named}.{_oversold(evidence, verdict, sku)}{when}",
        )
    if verdict.outcome is Outcome.INVALID:
        reasons = list(verdict.weaknesses)
        for result in _of(verdict, Outcome.INVALID):
            reasons.extend(f"{result.id}: {weakness}" for weakness in result.weaknesses)
        return Headline("Too weak to judge.", f"{'; '.join(reasons)}.")
    compared = sum(result.checked for result in verdict.results)
    return Headline(
        f"No violation of {len(verdict.results)} invariants",
        f"in {compared:,} comparisons of stored rows, client history and outside witnesses.",
    )


def tiles(evidence: Evidence, verdict: Verdict, sku: str) -> list[Labelled]:
    supply, confirmed = _supply(evidence, sku), _confirmed(evidence, sku)
    paid = [order for order in evidence.audit.orders if is_sold(evidence, order)]
    sold = sum(units(evidence, order.id, sku) for order in paid)
    outcomes = [operation.outcome for operation in evidence.operations]
    customers = len({purchase.customer_id for purchase in evidence.purchases})
    cards: list[Labelled] = [Labelled("customers", f"{customers:,}")] if customers else []
    if supply:
        cards.append(Labelled("units in supply", f"{supply:,}"))
    if sku:
        oversold = bool(supply) and "INV-02" in verdict.failed
        missold = bool(supply) and (sold > supply or "INV-03" in verdict.failed)
        cards += [
            Labelled("units confirmed to clients", f"{confirmed:,}", alarm=oversold),
            Labelled("units sold and paid", f"{sold:,}", alarm=missold),
        ]
    blast = verdict.blast
    amounts = [money_text(amount, currency) for currency, amount in blast.money_minor.items()]
    pace = [money_text(amount, currency) for currency, amount in blast.money_minor_per_minute.items()]
    return [
        *cards,
        Labelled("refused answers", f"{outcomes.count('fail'):,}"),
        Labelled("unknown outcomes", f"{outcomes.count('info'):,}"),
        Labelled(
            f"orders of {blast.customers:,} customers at stake{_a_minute(f'{blast.orders_per_minute:,.0f}', blast)}",
            f"{blast.orders:,}",
            alarm=blast.orders > 0,
        ),
        Labelled(
            f"money at stake{_a_minute(' + '.join(pace) or '0', blast)}",
            " + ".join(amounts) or "0",
            alarm=bool(amounts),
        ),
    ]


def _a_minute(pace: str, blast: Blast) -> str:
    """Nothing where nothing is at stake, or nobody knows for how long."""
    return f", {pace} a minute" if blast.orders_per_minute else ""


def answers(evidence: Evidence) -> list[Bar]:
    """What clients were answered, the most frequent first."""
    rows = answers_by_code(evidence.operations)
    most = max((count for _, _, count in rows), default=1)
    return [
        Bar(code, OUTCOME_WORDS[outcome], OUTCOME_STYLES[outcome], f"{count / most * 100:.1f}", f"{count:,}")
        for outcome, code, count in rows[:ANSWER_ROWS_MAX]
    ]


def results(verdict: Verdict) -> list[Result]:
    """Every invariant, the violated ones first."""
    return [result for outcome in WORST_FIRST for result in _of(verdict, outcome)]


def findings(evidence: Evidence, verdict: Verdict) -> list[Finding]:
    return [_finding(evidence, result) for result in _of(verdict, Outcome.FAIL)]


def books(evidence: Evidence) -> list[Book]:
    """The four books side by side, per currency."""
    every = [
        ("payment provider (outside witness)", provider_book(evidence)),
        ("payments", payments_book(evidence)),
        ("ledger", ledger_book(evidence)),
        ("orders", orders_book(evidence)),
    ]
    rows: list[Book] = []
    for currency in sorted({currency for _, book in every for _, currency in book}):
        witness = _total(every[0][1], currency)
        for name, book in every:
            sums = _total(book, currency)
            difference = sums.net_minor - witness.net_minor
            amounts = (sums.captured_minor, sums.refunded_minor, sums.net_minor)
            rows.append(
                Book(
                    name,
                    [money_text(amount, currency) for amount in amounts],
                    money_text(difference, currency),
                    agrees=difference == 0,
                )
            )
    return rows


def faults(facts: RunFacts) -> list[FaultRow]:
    return [
        FaultRow(
            name=fault.name,
            target=fault.target or "fleet",
            injected=_since_load(facts, fault.at),
            healed=_since_load(facts, fault.healed_at),
            confirmed=fault.confirmed,
            probe=fault.probe,
        )
        for fault in facts.faults
    ]


def run_facts(facts: RunFacts) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = [
        ("started", moment(facts.started_at)),
        ("load", f"{moment(facts.load_started_at)} to {moment(facts.load_ended_at)}"),
        ("at rest", moment(facts.quiesced_at) if facts.quiesced_at else "never, within its time"),
        ("hold time", f"{facts.hold_ttl_s:g} s"),
        ("provider deduplicates", "yes" if facts.psp_idempotency else "no (switched off to expose doubles)"),
    ]
    pairs += [(name, str(value)) for name, value in {**facts.parameters, **facts.fleet}.items()]
    pairs += [
        (f"{subject}: {name}", f"{value:g}")
        for subject, figures in facts.figures.items()
        for name, value in figures.items()
    ]
    return [*pairs, *(("problem", problem) for problem in facts.problems)]


def replay(facts: RunFacts) -> str:
    """The command that plays the same seed again."""
    defect = f" --defect {facts.defect}" if facts.defect else ""
    return facts.replay or f"shopctl scenario run {facts.scenario} --seed {facts.seed}{defect}"


def honesty(verdict: Verdict) -> str:
    """What the verdict does and does not say."""
    said = {
        Outcome.PASS: f"One run judged: {none_in(1)}. A pass says what this run showed, not that races are impossible; "
        "repeat it with other seeds to bound the rate.",
        Outcome.FAIL: "A violation seen once is a violation. Its rate is known only from repeated runs.",
        Outcome.INVALID: "The run was too weak to say anything; INVALID is never a pass.",
    }
    return (
        said[verdict.outcome] + " Judged from stored rows, client history and witnesses; equal evidence, equal verdict."
    )


def _oversold(evidence: Evidence, verdict: Verdict, sku: str) -> str:
    supply = _supply(evidence, sku)
    confirmed = _confirmed(evidence, sku)
    if "INV-02" not in verdict.failed or not 0 < supply < confirmed:
        return ""
    return (
        f" {confirmed:,} units of {sku} were confirmed to clients, {supply:,} existed: {confirmed - supply:,} too many."
    )


def _supply(evidence: Evidence, sku: str) -> int:
    return sum(step.quantity for step in evidence.facts.supply if step.sku == sku)


def _confirmed(evidence: Evidence, sku: str) -> int:
    """Units whose clients were told that they have them, and not told otherwise since."""
    return sum(
        purchase.units(sku)
        for order_id, purchase in evidence.confirmed.items()
        if order_id not in evidence.cancelled_at
    )


def _finding(evidence: Evidence, result: Result) -> Finding:
    told: dict[Example, list[str]] = {}
    for name, example in (("first", result.first), ("worst", result.worst), ("last", result.last)):
        if example is not None:
            told.setdefault(example, []).append(name)
    return Finding(
        result.id,
        result.name,
        f"{result.violations:,}",
        shown=[
            msgspec.structs.replace(
                _row(evidence.facts, example, " · ".join(names)), story=_story(evidence, example.order_id)
            )
            for example, names in told.items()
        ],
        others=[_row(evidence.facts, example, "") for example in result.examples if example not in told],
    )


def _story(evidence: Evidence, order_id: str) -> list[StoryLine]:
    if not order_id:
        return []
    return [
        StoryLine(_since_load(evidence.facts, it.at), it.where, it.kind, it.what, it.detail)
        for it in of_order(evidence, order_id)
    ]


def _row(facts: RunFacts, example: Example, label: str) -> Row:
    about = [example.kind.replace("_", " ")]
    about += [f"SKU {example.sku}"] if example.sku else []
    about += [f"event {example.event_id}"] if example.event_id else []
    return Row(
        label=label,
        at=_since_load(facts, example.at),
        message=example.message,
        about=" · ".join(about),
        order_id=example.order_id,
        customer_id=example.customer_id,
        trace_id=example.trace_id,
        amount=money_text(example.amount_minor, example.currency) if example.amount_minor else NOTHING,
    )


def _since_load(facts: RunFacts, at: float | None) -> str:
    return NOTHING if at is None else f"{facts.since_load(at):.2f} s"


def _total(book: Books, currency: str) -> Sums:
    rows = [sums for (_, named), sums in book.items() if named == currency]
    return Sums(sum(row.captured_minor for row in rows), sum(row.refunded_minor for row in rows))


def _of(verdict: Verdict, outcome: Outcome) -> list[Result]:
    return [result for result in verdict.results if result.outcome is outcome]


def _seconds(start: float | None, end: float | None) -> str:
    return f"{end - start:.1f} s" if start is not None and end is not None else NOTHING
