"""The outside world of notifications: whom messages are handed to."""
