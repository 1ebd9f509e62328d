"""What alembic runs to migrate: the connection comes from `shared.migrate`, and so does the transaction around it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
