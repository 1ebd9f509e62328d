"""What the fork parent imports before it forks."""

import importlib

import pytest

from compose import stack


@pytest.mark.parametrize("name", stack.load().preload)
def test_what_is_preloaded_is_there(name: str) -> None:
    importlib.import_module(name)
