"""The parts of the report as HTML. Everything that comes from a run is escaped here, at its last moment."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

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
from scenarios.verdict import Verdict

ANSWER_ROWS_MAX = 10
OUTCOME_STYLES = {"ok": "s-green", "fail": "s-grey", "info": "s-orange"}


def moment(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "–"


def header(evidence: Evidence, verdict: Verdict, sku: str) -> str:
    facts = evidence.facts
    chips = [
        ("scenario", facts.scenario, ""),
        ("seed", str(facts.seed), ""),
        ("started", moment(facts.started_at), ""),
        ("load", _seconds(facts.load_started_at, facts.load_ended_at), ""),
    ]
    if facts.defect:
        chips.insert(2, ("defect", facts.defect, " defect"))
    else:
        chips.insert(2, ("defect", "none planted", ""))
    if facts.repaired:
        chips.append(("state", "after repair", ""))
    drawn = "".join(
        f'<span class="chip{style}">{escape(name)} <b>{escape(value)}</b></span>' for name, value, style in chips
    )
    return (
        f'<header class="{verdict.outcome.lower()}"><div>'
        f'<div class="eyebrow">ShopStream · scenario report</div><h1>{escape(facts.title or facts.scenario)}</h1>'
        f'<div class="chips">{drawn}</div><p class="headline">{headline(evidence, verdict, sku)}</p></div>'
        f'<div class="verdict"><b>{verdict.outcome}</b><span>exit code {verdict.exit_code}</span></div></header>'
    )


def headline(evidence: Evidence, verdict: Verdict, sku: str) -> str:
    """What came out, in a sentence or two, as HTML."""
    if verdict.outcome is Outcome.FAIL:
        failed = _of(verdict, Outcome.FAIL)
        named = ", ".join(result.name for result in failed)
        first = verdict.first_violation
        when = f" First violation {first.after_s:.2f} s into the load: {first.message}." if first else ""
        return (
            f"<strong>{len(failed)} of {len(verdict.results)} invariants violated:</strong> "
            f"{escape(named)}.{escape(_oversold(evidence, verdict, sku))}{escape(when)}"
        )
    if verdict.outcome is Outcome.INVALID:
        reasons = list(verdict.weaknesses)
        for result in _of(verdict, Outcome.INVALID):
            reasons.extend(f"{result.id}: {weakness}" for weakness in result.weaknesses)
        return f"<strong>Too weak to judge.</strong> {escape('; '.join(reasons))}."
    compared = sum(result.checked for result in verdict.results)
    return (
        f"<strong>No violation of {len(verdict.results)} invariants</strong> in {compared:,} comparisons of "
        "stored rows, client history and outside witnesses."
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


def tiles(evidence: Evidence, verdict: Verdict, sku: str) -> str:
    supply, confirmed = _supply(evidence, sku), _confirmed(evidence, sku)
    paid = [order for order in evidence.audit.orders if is_sold(evidence, order)]
    sold = sum(units(evidence, order.id, sku) for order in paid)
    outcomes = [operation.outcome for operation in evidence.operations]
    customers = len({purchase.customer_id for purchase in evidence.purchases})
    cards: list[tuple[str, str, bool]] = [(f"{customers:,}", "customers", False)] if customers else []
    if supply:
        cards.append((f"{supply:,}", "units in supply", False))
    if sku:
        cards += [
            (f"{confirmed:,}", "units confirmed to clients", bool(supply) and "INV-02" in verdict.failed),
            (f"{sold:,}", "units sold and paid", bool(supply) and (sold > supply or "INV-03" in verdict.failed)),
        ]
    cards += [
        (f"{outcomes.count('fail'):,}", "refused answers", False),
        (f"{outcomes.count('info'):,}", "unknown outcomes", False),
        (
            f"{verdict.blast.orders:,}",
            f"orders of {verdict.blast.customers:,} customers at stake",
            verdict.blast.orders > 0,
        ),
    ]
    amounts = [money_text(amount, currency) for currency, amount in verdict.blast.money_minor.items()]
    cards.append((" + ".join(amounts) or "0", "money at stake", bool(amounts)))
    return (
        '<div class="tiles">'
        + "".join(
            f'<div class="tile{" alarm" if alarm else ""}"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
            for value, name, alarm in cards
        )
        + "</div>"
    )


def answers(evidence: Evidence) -> str:
    """What clients were answered, as bars."""
    rows = answers_by_code(evidence.operations)
    most = max((count for _, _, count in rows), default=1)
    words = {"ok": "ok", "fail": "refused", "info": "unknown"}
    drawn = "".join(
        f'<span>{escape(code)} <small class="mono">{words[outcome]}</small></span>'
        f'<i class="{OUTCOME_STYLES[outcome]}" style="width:{count / most * 100:.1f}%"></i><b>{count:,}</b>'
        for outcome, code, count in rows[:ANSWER_ROWS_MAX]
    )
    return f'<div class="bars">{drawn}</div>'


def invariants(verdict: Verdict) -> str:
    worst_first = (Outcome.FAIL, Outcome.INVALID, Outcome.PASS)
    rows = [_invariant(result) for outcome in worst_first for result in _of(verdict, outcome)]
    rows += [
        f'<tr class="skip"><td class="mono">{escape(invariant)}</td><td>skipped<small>{escape(reason)}</small></td>'
        '<td><span class="badge">SKIPPED</span></td><td></td><td></td></tr>'
        for invariant, reason in verdict.skipped.items()
    ]
    return _table(("Invariant", "What must hold, and its witness", "Verdict", "#Compared", "Found"), rows)


def findings(facts: RunFacts, verdict: Verdict) -> str:
    """Per violated invariant the first, worst and last finding, and the others folded away."""
    return "".join(_finding(facts, result) for result in _of(verdict, Outcome.FAIL))


def books(evidence: Evidence) -> str:
    """The four books side by side, per currency."""
    every = [
        ("payment provider (outside witness)", provider_book(evidence)),
        ("payments", payments_book(evidence)),
        ("ledger", ledger_book(evidence)),
        ("orders", orders_book(evidence)),
    ]
    rows: list[str] = []
    for currency in sorted({currency for _, book in every for _, currency in book}):
        witness = _total(every[0][1], currency)
        for name, book in every:
            sums = _total(book, currency)
            difference = sums.net_minor - witness.net_minor
            cells = [
                money_text(value, currency) for value in (sums.captured_minor, sums.refunded_minor, sums.net_minor)
            ]
            tone = "pass" if difference == 0 else "fail"
            rows.append(
                f"<tr><td>{escape(name)}</td>"
                + "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)
                + f'<td class="number {tone}"><span class="badge">'
                f"{escape(money_text(difference, currency))}</span></td></tr>"
            )
    return _table(("Book", "#Captured", "#Refunded", "#Kept", "#Difference"), rows) if rows else ""


def faults(facts: RunFacts) -> str:
    rows = [
        f"<tr><td>{escape(fault.name)}</td><td>{escape(fault.target or 'fleet')}</td>"
        f'<td class="number">{facts.since_load(fault.at):.2f} s</td>'
        f'<td class="number">{_healed(facts, fault.healed_at)}</td>'
        + (
            f'<td class="pass"><span class="badge">CONFIRMED</span> {escape(fault.probe)}</td></tr>'
            if fault.confirmed
            else '<td class="invalid"><span class="badge">NOT SEEN</span></td></tr>'
        )
        for fault in facts.faults
    ]
    return _table(("Fault", "Target", "#Injected", "#Healed", "Probe"), rows) if rows else ""


def run_facts(facts: RunFacts) -> str:
    pairs: list[tuple[str, str]] = [
        ("started", moment(facts.started_at)),
        ("load", f"{moment(facts.load_started_at)} to {moment(facts.load_ended_at)}"),
        ("at rest", moment(facts.quiesced_at) if facts.quiesced_at else "never, within its time"),
        ("hold time", f"{facts.hold_ttl_s:g} s"),
        ("provider deduplicates", "yes" if facts.psp_idempotency else "no (switched off to expose doubles)"),
    ]
    if facts.required:
        pairs.append(("must have been seen", ", ".join(facts.required)))
    pairs += [(name, str(value)) for name, value in {**facts.parameters, **facts.fleet}.items()]
    pairs += [
        (f"{subject}: {name}", f"{value:g}")
        for subject, figures in facts.figures.items()
        for name, value in figures.items()
    ]
    pairs += [("problem", problem) for problem in facts.problems]
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs) + "</dl>"


def replay(facts: RunFacts, run_name: str) -> str:
    command = facts.replay or " ".join(
        ["shopctl scenario run", facts.scenario, f"--seed {facts.seed}"]
        + ([f"--defect {facts.defect}"] if facts.defect else [])
    )
    lines = [
        ("# play the same seed again", command),
        ("# judge this run again, without a fleet", f"shopctl scenario recheck {run_name}"),
    ]
    return "<pre><code>" + "\n".join(escape(f"{note}\n{line}") for note, line in lines) + "</code></pre>"


def _invariant(result: Result) -> str:
    found = "".join(
        f'<div class="kind">{count:,} × {escape(kind.replace("_", " "))}</div>' for kind, count in result.counts.items()
    )
    found += "".join(f'<div class="weak">{escape(weakness)}</div>' for weakness in result.weaknesses)
    found += "".join(f"<small>{escape(what)}: {count:,}</small>" for what, count in result.observed.items())
    return (
        f'<tr class="{result.outcome.lower()}"><td class="mono">{escape(result.id)}</td>'
        f"<td>{escape(result.name)}<small>{escape(result.statement)}</small>"
        f"<small>witness: {escape(result.witness)}</small></td>"
        f'<td><span class="badge">{result.outcome}</span></td><td class="number">{result.checked:,}</td>'
        f"<td>{found}</td></tr>"
    )


def _finding(facts: RunFacts, result: Result) -> str:
    told: dict[Example, list[str]] = {}
    for name, example in (("first", result.first), ("worst", result.worst), ("last", result.last)):
        if example is not None:
            told.setdefault(example, []).append(name)
    heads = ("", "#At", "What was found", "Order", "Customer", "Trace", "#Money")
    shown = _table(heads, [_example(facts, example, " · ".join(names)) for example, names in told.items()])
    others = [_example(facts, example, "") for example in result.examples if example not in told]
    folded = (
        f"<details><summary>{len(others)} more of {result.violations:,}</summary>{_table(heads, others)}</details>"
        if others
        else ""
    )
    return (
        f'<section class="finding"><h3><span class="mono">{escape(result.id)}</span> {escape(result.name)}'
        f" <small>{result.violations:,} found</small></h3>{shown}{folded}</section>"
    )


def _example(facts: RunFacts, example: Example, label: str) -> str:
    at = f"{facts.since_load(example.at):.2f} s" if example.at is not None else "–"
    amount = money_text(example.amount_minor, example.currency) if example.amount_minor else "–"
    about = [example.kind.replace("_", " ")]
    about += [f"SKU {example.sku}"] if example.sku else []
    about += [f"event {example.event_id}"] if example.event_id else []
    return (
        f'<tr><td class="which">{label}</td><td class="number">{at}</td>'
        f"<td>{escape(example.message)}<small>{escape(' · '.join(about))}</small></td>"
        f'<td class="mono">{_id(example.order_id)}</td><td class="mono">{_id(example.customer_id)}</td>'
        f'<td class="mono">{_id(example.trace_id)}</td><td class="number">{escape(amount)}</td></tr>'
    )


def _id(value: str) -> str:
    """Long ids break in two lines but stay whole, to be copied."""
    if len(value) <= 18:
        return escape(value) or "–"
    return f"{escape(value[:18])}<wbr>{escape(value[18:])}"


def _table(heads: Sequence[str], rows: Iterable[str]) -> str:
    """A head that begins with # is a column of numbers."""
    cells = "".join(
        f'<th class="number">{escape(head[1:])}</th>' if head.startswith("#") else f"<th>{escape(head)}</th>"
        for head in heads
    )
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _total(book: Books, currency: str) -> Sums:
    rows = [sums for (_, named), sums in book.items() if named == currency]
    return Sums(sum(row.captured_minor for row in rows), sum(row.refunded_minor for row in rows))


def _of(verdict: Verdict, outcome: Outcome) -> list[Result]:
    return [result for result in verdict.results if result.outcome is outcome]


def _seconds(start: float | None, end: float | None) -> str:
    return f"{end - start:.1f} s" if start is not None and end is not None else "–"


def _healed(facts: RunFacts, at: float | None) -> str:
    return f"{facts.since_load(at):.2f} s" if at is not None else "–"
