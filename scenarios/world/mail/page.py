"""The catcher's page, read once from the file beside this module."""

from pathlib import Path

PAGE = Path(__file__).with_name("page.html").read_bytes()
