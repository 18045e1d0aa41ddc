"""The store: SQLAlchemy Core over SQLite (embedded) or PostgreSQL. `store_of` gives a `hub.flow.ports.store.Store`."""

from hub.io.store.away import StoreAway, StoreRefused
from hub.io.store.engine import SqlStore, connect_store, open_store, store_of

__all__ = ["SqlStore", "StoreAway", "StoreRefused", "connect_store", "open_store", "store_of"]
