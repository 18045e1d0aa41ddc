"""The tables the hub runs by, loaded where it starts: it does not start with a wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from adapters import ADAPTERS
from hub.config import Settings
from hub.errors import CannotRun
from hub.flow.handlers import Context
from hub.flow.ports.store import Clock
from hub.mapping import FeedTables, TableProblem, load_feeds, load_policies
from hub.mapping.actions import load_actions
from hub.mapping.letters import load_letters
from hub.mapping.plan_ids import unfit_plan_ids


def wall_clock() -> datetime:
    """The real time; everything below takes its time as an argument."""
    return datetime.now(UTC)


def feeds_of(settings: Settings) -> FeedTables:
    """The mapping tables of every feed."""
    with _right_tables():
        return load_feeds(settings.mappings / "feeds", ADAPTERS)


def context_of(settings: Settings, clock: Clock = wall_clock) -> Context:
    """What handlers and clerks' decisions need besides a transaction."""
    with _right_tables():
        return Context(load_policies(settings.mappings / "policy"), clock, asks_pds=bool(settings.pds_url))


def plan_ids_of(settings: Settings) -> dict[str, str]:
    """The id at NHS Notify of each routing plan of the catalogue."""
    ids = dict(settings.notify_plans)
    with _right_tables():
        catalogue = load_letters(settings.mappings / "letters.toml", load_actions(settings.mappings / "actions.toml"))
    if wrong := unfit_plan_ids(catalogue.plans, ids):
        raise CannotRun(" ".join(wrong))
    return ids


@contextmanager
def _right_tables() -> Iterator[None]:
    """The hub does not start on a wrong table; that is no fault of the hub's, and is said in a sentence."""
    try:
        yield
    except TableProblem as problem:
        raise CannotRun(f"{problem} `hub check` lists everything that is wrong with the tables.") from None
