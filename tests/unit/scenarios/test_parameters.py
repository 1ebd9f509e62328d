"""Parameters of a workload: shown with bounds and meaning, changed by name, refused with what there is."""

from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from compose.operator_error import OperatorError
from scenarios.parameters import changed, described, parsed


class Load(msgspec.Struct, frozen=True, kw_only=True):
    buyers: Annotated[int, Meta(ge=1, le=500, description="how many")]
    share: Annotated[float, Meta(ge=0, le=1, description="how much")] = 0.5
    eager: Annotated[bool, Meta(description="how soon")] = False
    method: Annotated[Literal["card", "invoice"], Meta(description="how")] = "card"


LOAD = Load(buyers=10)


def test_a_struct_says_what_its_parameters_are() -> None:
    assert [(one.name, one.domain, one.doc) for one in described(Load)] == [
        ("buyers", "int 1..500", "how many"),
        ("share", "float 0..1", "how much"),
        ("eager", "true or false", "how soon"),
        ("method", "card or invoice", "how"),
    ]


def test_values_are_read_as_their_types_and_the_rest_stays() -> None:
    values = {"buyers": "20", "share": "1", "eager": "true", "method": "invoice"}
    assert changed(LOAD, values) == Load(buyers=20, share=1.0, eager=True, method="invoice")
    assert changed(LOAD, {"share": "0.25"}) == Load(buyers=10, share=0.25)
    assert changed(LOAD, {}) == LOAD


def test_a_parameter_nobody_knows_is_refused_with_those_there_are() -> None:
    with pytest.raises(OperatorError) as refused:
        changed(LOAD, {"sellers": "1"})
    assert refused.value.what == "There is no parameter 'sellers'."
    assert (refused.value.mend, refused.value.exit_code) == ("Choose one of: buyers, share, eager, method.", 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("buyers", "0"), ("buyers", "501"), ("buyers", "many"), ("buyers", "1.5"), ("buyers", ""), ("buyers", "nan"),
        ("share", "-0.1"), ("share", "1.1"), ("share", "nan"), ("share", "inf"), ("eager", "perhaps"),
        ("method", "cash"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_or_out_of_bounds_is_refused_with_what_it_may_be(name: str, value: str) -> None:
    with pytest.raises(OperatorError) as refused:
        changed(LOAD, {name: value})
    (parameter,) = (one for one in described(Load) if one.name == name)
    assert refused.value.what == f"{name} cannot be {value!r}."
    assert (refused.value.mend, refused.value.exit_code) == (f"{name} is {parameter.domain}: {parameter.doc}.", 2)


def test_settings_are_names_with_values() -> None:
    assert parsed(["buyers=20", "method=a=b", "share="]) == {"buyers": "20", "method": "a=b", "share": ""}


@pytest.mark.parametrize("setting", ["buyers", "", "=20"])
def test_a_setting_without_name_or_value_is_refused(setting: str) -> None:
    with pytest.raises(OperatorError) as refused:
        parsed([setting])
    assert (refused.value.what, refused.value.exit_code) == (f"{setting!r} is not of the form NAME=VALUE.", 2)
