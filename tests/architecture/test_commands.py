"""Every command of `shopctl` that is listed and written shows examples, and they are command lines it understands."""

import shlex
from importlib.util import find_spec

import click
import pytest

from cli import main
from tests.support.command_tree import LEAVES, TREE

LISTED_ONLY: set[str] = set()


def _examples(command):
    text = command.epilog or ""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("shopctl ")]


def _understood(line):
    """Raises what the command line parser does of a line that it does not understand."""
    words = shlex.split(line.split("|")[0].split("#")[0])[1:]
    context, command = click.Context(TREE), TREE
    while hasattr(command, "commands"):
        while words and words[0].startswith("-"):
            words = words[2:]
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words, parent=context)


def _shows_itself(path, command):
    return any(example.split()[1:][: len(path)] == list(path) for example in _examples(command))


def _says_what_it_does(command):
    return (command.help or "").strip().split("\n")[0].endswith(".")


def test_every_listed_command_exists_but_those_announced():
    assert {name for name in main.COMMANDS if find_spec(f"cli.{name}") is None} <= LISTED_ONLY


def test_every_top_level_command_is_listed_once():
    assert len(set(main.COMMANDS)) == len(main.COMMANDS)
    assert set(TREE.commands) <= set(main.COMMANDS)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_a_command_shows_an_example_of_itself(path):
    assert _shows_itself(path, LEAVES[path])


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_a_commands_examples_are_lines_it_understands(path):
    for example in _examples(LEAVES[path]):
        _understood(example)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_a_command_says_in_a_sentence_what_it_does(path):
    assert _says_what_it_does(LEAVES[path])


def test_a_command_without_words_and_an_example_of_another_are_found():
    silent = click.Command("status", epilog="shopctl top --json\n", help="the state")
    assert not _shows_itself(("status",), silent)
    assert not _says_what_it_does(silent)


@pytest.mark.parametrize("word", ["--nowhere", "nothing"])
def test_an_example_that_nobody_understands_is_found(word):
    with pytest.raises(Exception, match=word):
        _understood(f"shopctl {'status ' if word.startswith('-') else ''}{word}")
