"""Alembic's way in: it runs inside the transaction that `hub.io.store.migrate` opened."""

from __future__ import annotations

from alembic import context

from hub.io.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
