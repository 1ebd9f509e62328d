"""What the gateway asks of its process: enough sockets for a crowd, and no walks of the collector over what stays."""

import gc
import resource

FILES_WANTED = 65_536
COLLECT_AFTER = (10_000, 20, 20)


class ProcessLimits:
    """Set once, when everything that lives as long as the process exists; not for processes that outlive the gateway.

    Walking the imported libraries in every full collection was a tenth of a request's cost.
    """

    async def open(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)

    async def close(self) -> None:
        """The process ends."""
