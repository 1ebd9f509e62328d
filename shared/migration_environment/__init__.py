"""Where alembic looks for the environment of a migration: one for all services."""
