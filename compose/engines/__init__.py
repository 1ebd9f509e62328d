"""The engines of the local profile: PostgreSQL, Redis, Kafka and Elasticsearch as child processes."""

from compose.engines.running import ENGINES, RunningEngine, RunningEngines, boot

__all__ = ["ENGINES", "RunningEngine", "RunningEngines", "boot"]
