"""The one process that starts, watches, restarts and stops a stack, and answers on its control socket."""
