"""The log of services of a test, as their own processes would write it."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from shared import logging_setup


@contextmanager
def written_log(service: str = "test") -> Iterator[io.StringIO]:
    """The lines that a service's own process would write, at its most talkative."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    logging_setup.configure(service, f"{service}-1", level="debug", stream=stream)
    try:
        yield stream
    finally:
        for handler in [handler for handler in root.handlers if handler not in before]:
            root.removeHandler(handler)
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        structlog.reset_defaults()
