"""One rule for every command: a name that does not exist is a usage error (2), and its code ends in `.unknown`."""

import ast
from collections.abc import Iterator
from pathlib import Path

from compose.operator_error import EXIT_INVALID, EXIT_USAGE, OperatorError, from_dict

ROOT = Path(__file__).parents[2]
FOLDERS = ("cli", "compose", "scenarios", "loadtests")


def raised() -> Iterator[tuple[str, ast.Call]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for call in errors_of(path.read_text()):
                yield f"{path.relative_to(ROOT)}:{call.lineno}", call


def errors_of(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "OperatorError" and node.args:
            yield node


def code_of(call: ast.Call) -> str:
    return ast.unparse(call.args[0]).strip("f'\"")


def names_what_is_not(call: ast.Call) -> bool:
    """Whether its words are "There is no …" with something that was given."""
    what = call.args[1]
    return isinstance(what, ast.JoinedStr) and ast.unparse(what)[2:].startswith("There is no ")


def has_a_code_of_its_own(call: ast.Call) -> bool:
    """Whether a name that does not exist is given an exit code."""
    return code_of(call).endswith(".unknown") and any(word.arg == "exit_code" for word in call.keywords)


def is_not_said_by_the_code(call: ast.Call) -> bool:
    return names_what_is_not(call) and not code_of(call).endswith(".unknown")


def test_the_code_alone_makes_a_name_that_does_not_exist_a_usage_error():
    assert OperatorError("run.unknown", "w", mend="m").exit_code == EXIT_USAGE
    assert OperatorError("run.none", "w", mend="m").exit_code == EXIT_INVALID
    crossed = from_dict(OperatorError("run.unknown", "w", mend="m").to_dict())
    assert crossed.exit_code == EXIT_USAGE


def test_nobody_gives_a_name_that_does_not_exist_another_exit_code():
    calls = list(raised())
    assert len(calls) > 50
    assert [where for where, call in calls if has_a_code_of_its_own(call)] == []


def test_whoever_says_that_something_named_does_not_exist_says_it_by_the_code():
    told = [(where, call) for where, call in raised() if names_what_is_not(call)]
    assert len(told) > 10
    assert [where for where, call in told if is_not_said_by_the_code(call)] == []


def test_who_says_it_otherwise_is_found():
    (other,) = errors_of("OperatorError('run.unknown', 'x', mend='y', exit_code=3)")
    (silent,) = errors_of("OperatorError('run.absent', f'There is no {run}.', mend='y')")
    assert has_a_code_of_its_own(other)
    assert is_not_said_by_the_code(silent)
