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
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "OperatorError" and node.args:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def code_of(call: ast.Call) -> str:
    return ast.unparse(call.args[0]).strip("f'\"")


def names_what_is_not(call: ast.Call) -> bool:
    """Whether its words are "There is no …" with something that was given."""
    what = call.args[1]
    return isinstance(what, ast.JoinedStr) and ast.unparse(what)[2:].startswith("There is no ")


def test_the_code_alone_makes_a_name_that_does_not_exist_a_usage_error():
    assert OperatorError("run.unknown", "w", mend="m").exit_code == EXIT_USAGE
    assert OperatorError("run.none", "w", mend="m").exit_code == EXIT_INVALID
    crossed = from_dict(OperatorError("run.unknown", "w", mend="m").to_dict())
    assert crossed.exit_code == EXIT_USAGE


def test_nobody_gives_a_name_that_does_not_exist_another_exit_code():
    calls = list(raised())
    assert len(calls) > 50
    for where, call in calls:
        if code_of(call).endswith(".unknown"):
            assert not any(word.arg == "exit_code" for word in call.keywords), where


def test_whoever_says_that_something_named_does_not_exist_says_it_by_the_code():
    told = [(where, code_of(call)) for where, call in raised() if names_what_is_not(call)]
    assert len(told) > 10
    assert [where for where, code in told if not code.endswith(".unknown")] == []
