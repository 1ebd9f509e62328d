"""shopctl scenario show: one incident as its drill file has it."""

from typing import TYPE_CHECKING

import typer

from cli.scenario.options import Json, Name, scenario_named

if TYPE_CHECKING:
    from scenarios.plan import Scenario
    from scenarios.rare_states import RareState

EXAMPLES = """Examples:

  shopctl scenario show flash-sale"""


def register(commands: typer.Typer) -> None:
    commands.command("show", epilog=EXAMPLES)(show)


def show(name: Name, json: Json = False) -> None:
    """Tell an incident's story, its parameters, its faults, what must have happened and its defects."""
    from cli import terminal  # noqa: PLC0415 -- quick --help

    scenario = scenario_named(name)
    if json:
        terminal.json(_described(scenario))
        return
    terminal.line(f"{scenario.title}\n\n{scenario.story}\n")
    terminal.table(("parameter", "is", *scenario.forms, "meaning"), _parameters(scenario))
    terminal.table(
        ("form", "faults"),
        [
            (form, ", ".join(f"{number}. {step}" for number, step in enumerate(of.faults, start=1)) or "none")
            for form, of in scenario.forms.items()
        ],
    )
    terminal.table(
        ("must have happened", "what it is", "in"),
        [(state.id, state.statement, ", ".join(forms)) for state, forms in _required(scenario)],
    )
    terminal.table(
        ("defect", "what is wrong", "caught by", "replaces"),
        [(card.id, card.title, ", ".join(card.caught_by), ", ".join(card.parts)) for card in scenario.defects],
    )


def _required(scenario: "Scenario") -> "list[tuple[RareState, list[str]]]":
    """The rare states that some form must have reached, with those forms."""
    everywhere = [(state, list(scenario.forms)) for state in scenario.required]
    return everywhere + [(state, [name]) for name, form in scenario.forms.items() for state in form.required]


def _parameters(scenario: "Scenario") -> list[tuple[str, ...]]:
    """One row per parameter: what it is, its value in each form, what it means."""
    from scenarios.parameters import described  # noqa: PLC0415 -- quick --help

    forms = [form.parameters for form in scenario.forms.values()]
    return [
        (one.name, one.domain, *(_text(getattr(form, one.name)) for form in forms), one.doc)
        for one in described(type(forms[0]))
    ]


def _text(value: object) -> str:
    """As `--set` takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _described(scenario: "Scenario") -> dict[str, object]:
    import msgspec  # noqa: PLC0415 -- quick --help

    from scenarios.parameters import described  # noqa: PLC0415 -- the same

    return {
        "id": scenario.id,
        "title": scenario.title,
        "story": scenario.story,
        "forms": {
            name: {
                "parameters": msgspec.to_builtins(form.parameters),
                "faults": [str(step) for step in form.faults],
                "skips": form.skips,
            }
            for name, form in scenario.forms.items()
        },
        "parameters": msgspec.to_builtins(described(type(next(iter(scenario.forms.values())).parameters))),
        "required": [
            {"id": state.id, "statement": state.statement, "forms": forms} for state, forms in _required(scenario)
        ],
        "judges": [checker.id for checker in scenario.checkers],
        "skips": scenario.skips,
        "defects": msgspec.to_builtins(scenario.defects),
    }
