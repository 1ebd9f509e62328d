"""Patterns say where a text ends: `$` also matches before a final newline, so none of ours may end with it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import shared
from shared.validated import END
from tests.support.apps import SERVICES, built

ROOT = Path(shared.__file__).parents[1]
FOLDERS = ("shared", "svc", "scenarios", "compose", "cli", "loadtests")


def _anchored(tree: ast.AST) -> Iterator[int]:
    """Lines of texts that are patterns by their anchors: `^…$`, or with a `$` as the last thing matched."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
            if text.startswith("^") and text.rstrip(")").endswith("$") and not text.rstrip(")").endswith(r"\$"):
                yield node.lineno


def test_no_pattern_is_anchored_with_a_dollar():
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number in _anchored(ast.parse(path.read_text()))
    ]
    assert found == []


def _patterns(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "pattern" and isinstance(value, str):
                yield value
            else:
                yield from _patterns(value)
    elif isinstance(document, list):
        for value in document:
            yield from _patterns(value)


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_a_service_declares_ends_where_the_text_does(service):
    declared = set(_patterns(built(service).openapi_schema.to_schema()))
    assert [pattern for pattern in declared if not (pattern.startswith("^") and pattern.endswith(END))] == []


def test_the_guard_sees_a_dollar():
    tree = ast.parse('PATTERN = r"^[A-Z]{2}$"\nOTHER = rb"^(a|b$)"\nFINE = r"^[$]"\nPRICE = r"^\\$"')
    assert list(_anchored(tree)) == [1, 2]
