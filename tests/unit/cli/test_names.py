"""What does not exist is a mistake in the command line, exit code 2, whichever command notices it."""

import pytest

from tests.support.command_tree import LEAVES
from tests.support.unknown_names import ELSEWHERE, KNOWN_BY_THE_FLEET, KNOWN_WITHOUT_A_FLEET

LINES = [" ".join((*path, rest)) for path, forms in KNOWN_WITHOUT_A_FLEET.items() for rest in forms]
LIBRARYS_WORDS = ("Input should", "Value error", "unable to parse", "Assertion failed", "`")


def converted(command):
    """The options and arguments that are given a value."""
    return [
        one for one in command.params if getattr(one, "type_descriptor", None) and not getattr(one, "is_flag", False)
    ]


def kinds(option):
    return option.type_descriptor.annotation


def test_every_command_that_takes_a_value_is_in_one_of_these_lists():
    listed = [*KNOWN_WITHOUT_A_FLEET, *KNOWN_BY_THE_FLEET, *ELSEWHERE]
    assert sorted(listed) == sorted(path for path, command in LEAVES.items() if converted(command))
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("line", LINES)
def test_a_name_that_does_not_exist_is_a_usage_error_without_a_fleet_too(shopctl, home, line):
    said = shopctl(*line.split())
    assert (said.code, said.out, len(said.lines)) == (2, "", 2), said
    assert "frob" in said.lines[0] or line.split()[-2] in said.lines[0]


NUMBERS_AND_CHOICES = [
    (path, option)
    for path, command in LEAVES.items()
    for option in converted(command)
    if kinds(option) is not str and kinds(option) != list[str]
]


@pytest.mark.parametrize(
    ("path", "option"), NUMBERS_AND_CHOICES, ids=[f"{' '.join(path)} {one.name}" for path, one in NUMBERS_AND_CHOICES]
)
def test_an_option_that_cannot_be_is_named_with_what_it_may_be(shopctl, path, option):
    named = option.opts[-1]
    needed = ["frob" for one in LEAVES[path].params if one.required and one is not option]
    said = shopctl(*path, *needed, *([named] if named.startswith("--") else []), "no-such-value")
    assert (said.code, said.out, len(said.lines)) == (2, "", 2), said
    assert said.lines[0].startswith(named)
    assert " must be " in said.lines[0]
    assert said.lines[0].endswith("and is 'no-such-value'.")
    assert not any(word in said.lines[0] for word in LIBRARYS_WORDS)
