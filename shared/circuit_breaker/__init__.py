"""A circuit breaker whose state lives in Redis, so that all instances of a caller agree within two seconds.

When Redis is away each process decides alone. Guards remote calls only; never wraps a database transaction.
"""

from shared.circuit_breaker.breaker import CircuitBreaker, CircuitOpenError
from shared.circuit_breaker.policy import BreakerPolicy, Mode

__all__ = ["BreakerPolicy", "CircuitBreaker", "CircuitOpenError", "Mode"]
