"""Failsafe: where everybody of the cohort stands at a moment, and who or what waits silently."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hub.domain.failsafe import SILENT, UNSEEN, Failsafe, failsafe, place_of
from hub.flow.ports.store import Transaction


def failsafe_at(tx: Transaction, at: datetime) -> Failsafe:
    return failsafe(at, tx.cohort.count(), tx.failsafe.positions(at), len(tx.failsafe.unseen()))


def standing(tx: Transaction, at: datetime, places: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Whoever stands in one of these places, by her participant id, and which."""
    for participant_id, position in tx.failsafe.each(at):
        if (place := place_of(position)) in places:
            yield participant_id, place


def waiting_silently(tx: Transaction, at: datetime) -> Iterator[tuple[str, str]]:
    """Whoever and whatever waits silently: an id, and the place."""
    yield from standing(tx, at, SILENT)
    yield from ((unseen, UNSEEN) for unseen in tx.failsafe.unseen())
