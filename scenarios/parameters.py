"""The parameters of a workload, as its struct declares them: shown, and changed by name from a command line.

Every field is annotated with its bounds and a sentence; the struct is the only place that says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from compose.operator_error import OperatorError

Parameters = TypeVar("Parameters", bound=msgspec.Struct)


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter as people read it; `least` and `most` are inclusive."""

    name: str
    type: str
    doc: str
    least: float | None = None
    most: float | None = None

    @property
    def domain(self) -> str:
        """Its type and bounds in a few words."""
        if self.least is None and self.most is None:
            return self.type
        least = "" if self.least is None else f"{self.least:g}"
        most = "" if self.most is None else f"{self.most:g}"
        return f"{self.type} {least}..{most}"


def described(kind: type[msgspec.Struct]) -> tuple[Parameter, ...]:
    """The parameters that a struct declares, in its order."""
    return tuple(_described(name, hint) for name, hint in get_type_hints(kind, include_extras=True).items())


def parsed(settings: Sequence[str]) -> dict[str, str]:
    """The values by name of `name=value` texts. Raises OperatorError (parameter.malformed)."""
    values: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not (name and equals):
            raise OperatorError(
                "parameter.malformed",
                f"{setting!r} is not of the form NAME=VALUE.",
                mend="Write --set NAME=VALUE; `shopctl scenario show` names the parameters.",
                exit_code=2,
            )
        values[name] = value
    return values


def changed(parameters: Parameters, values: Mapping[str, str]) -> Parameters:
    """The same parameters with these values, given as text.

    Raises OperatorError (parameter.unknown, parameter.invalid) with what there is or may be.
    """
    known = {parameter.name: parameter for parameter in described(type(parameters))}
    hints = get_type_hints(type(parameters), include_extras=True)
    typed: dict[str, Any] = {}
    for name, text in values.items():
        if name not in known:
            raise OperatorError(
                "parameter.unknown", f"There is no parameter {name!r}.", mend=f"Choose one of: {', '.join(known)}."
            )
        try:
            typed[name] = msgspec.convert(text, hints[name], strict=False)
        except msgspec.ValidationError:
            raise OperatorError(
                "parameter.invalid",
                f"{name} cannot be {text!r}.",
                mend=f"{name} is {known[name].domain}: {known[name].doc}.",
                exit_code=2,
            ) from None
    return msgspec.structs.replace(parameters, **typed)


def _described(name: str, hint: Any) -> Parameter:
    metas = [meta for meta in get_args(hint) if isinstance(meta, msgspec.Meta)]
    return Parameter(
        name=name,
        type=_type_in_words(get_args(hint)[0] if metas else hint),
        doc=next((meta.description for meta in metas if meta.description), ""),
        least=next((meta.ge for meta in metas if meta.ge is not None), None),
        most=next((meta.le for meta in metas if meta.le is not None), None),
    )


def _type_in_words(kind: Any) -> str:
    if kind is bool:
        return "true or false"
    choices = get_args(kind)
    return " or ".join(str(choice) for choice in choices) if choices else kind.__name__
