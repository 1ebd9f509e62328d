"""What a process tells about itself, begun after its fork and ended with it: spans, and what goes to a collector."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from shared import logging_setup, metrics, tracing
from shared.settings import ServiceSettings


@contextmanager
def telling(settings: ServiceSettings) -> Generator[None]:
    """Write spans, and export what `settings.otlp` names, until the block ends; then send what is left."""
    with ExitStack() as stack:
        stack.callback(tracing.shutdown)
        tracing.configure(settings)
        if settings.otlp:
            from shared import otlp  # noqa: PLC0415 - costs memory and time, and few fleets have a collector

            resource = tracing.resource_of(settings)
            if "metrics" in settings.otlp:
                stack.callback(otlp.MetricExport(metrics.REGISTRY, resource).shutdown)
            if "logs" in settings.otlp:
                export = otlp.LogExport(resource)
                logging_setup.chain().export = export
                stack.callback(export.shutdown)
        yield
