"""What several commands of `shopctl scenario` take, and how they refuse what there is not."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios.evidence import Evidence
    from scenarios.plan import Scenario
    from scenarios.verdict import Verdict

Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Name = Annotated[str, typer.Argument(help="A scenario; `shopctl scenario list` names them.")]


def scenario_named(name: str) -> "Scenario":
    """Raises OperatorError (scenario.unknown) with those there are."""
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help
    from scenarios.drills import SCENARIOS, scenario  # noqa: PLC0415 -- the same

    try:
        return scenario(name)
    except KeyError:
        known = ", ".join(one.id for one in SCENARIOS)
        raise OperatorError(
            "scenario.unknown", f"There is no scenario {name!r}.", mend=f"Choose one of: {known}."
        ) from None


def check_defect(scenario: "Scenario", defect: str | None) -> None:
    """Raises OperatorError (defect.unknown) with those there are."""
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help

    known = [card.id for card in scenario.defects]
    if defect is not None and defect not in known:
        raise OperatorError(
            "defect.unknown",
            f"{scenario.id} has no defect {defect!r}.",
            mend=f"Choose one of: {', '.join(known)}." if known else "It has none; play it without --defect.",
        )


def check_form(scenario: "Scenario", form: str) -> None:
    """Raises OperatorError (form.unknown) with those there are."""
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help

    if form not in scenario.forms:
        raise OperatorError(
            "form.unknown", f"{scenario.id} has no form {form!r}.", mend=f"Choose one of: {', '.join(scenario.forms)}."
        )


def evidence_of(run: str) -> "Evidence":
    """What was collected of a run. Raises OperatorError (run.none, run.unknown, run.unreadable)."""
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help
    from compose.state import layout_of  # noqa: PLC0415 -- the same
    from scenarios import run_directory  # noqa: PLC0415 -- the same
    from scenarios.evidence import EvidenceUnreadableError, load_evidence  # noqa: PLC0415 -- the same

    chosen = run_directory.find_run(layout_of().runs, run)
    try:
        return load_evidence(chosen)
    except EvidenceUnreadableError as error:
        raise OperatorError("run.unreadable", f"{chosen} is not a whole run: {error}", mend="Play it again.") from error


def tell(verdict: "Verdict", directory: "Path", *, json: bool) -> None:
    """Show a verdict and where its run lies."""
    import msgspec  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same

    if json:
        terminal.json({"directory": str(directory), "verdict": msgspec.to_builtins(verdict)})
        return
    terminal.verdict(verdict, report=str(directory / "report.html"))
