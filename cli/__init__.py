"""The operator's command: one module per command, all terminal output in `terminal`."""
