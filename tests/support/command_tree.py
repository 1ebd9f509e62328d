"""Every command of `shopctl` by its path of words."""

from collections.abc import Iterator
from typing import Any

import typer.main

from cli import main

TREE: Any = typer.main.get_command(main.build())


def _leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _leaves(child, (*path, name))
    else:
        yield path, command


LEAVES: dict[tuple[str, ...], Any] = dict(_leaves(TREE))
