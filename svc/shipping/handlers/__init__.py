"""The use cases of shipping. Those that take a unit of work run inside the caller's transaction and never commit."""
