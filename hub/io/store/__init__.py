"""The store: SQLAlchemy Core over SQLite (embedded) or PostgreSQL. `open_store` gives a `hub.flow.ports.Store`."""

from hub.io.store.engine import SqliteStore, StoreAway, open_store, store_of

__all__ = ["SqliteStore", "StoreAway", "open_store", "store_of"]
