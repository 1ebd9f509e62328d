"""The use cases of orders. Each runs inside the caller's transaction and never commits."""
