"""Failsafe: where everybody of the cohort stands at a moment, and who or what waits silently."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hub.domain.failsafe import SILENT, UNSEEN, Failsafe, awaited_since, failsafe, place_of
from hub.domain.policy import DischargeSettings
from hub.flow.ports.store import Transaction


def failsafe_at(tx: Transaction, at: datetime, settings: DischargeSettings) -> Failsafe:
    return failsafe(at, tx.cohort.count(), tx.failsafe.positions(at), len(tx.failsafe.unseen()), settings)


def standing(
    tx: Transaction, at: datetime, settings: DischargeSettings, places: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Whoever stands in one of these places, by her participant id, and which."""
    since = awaited_since(at, settings)
    for participant_id, position in tx.failsafe.each(at):
        if (place := place_of(position, since)) in places:
            yield participant_id, place


def waiting_silently(tx: Transaction, at: datetime, settings: DischargeSettings) -> Iterator[tuple[str, str]]:
    """Whoever and whatever waits silently: an id, and the place."""
    yield from standing(tx, at, settings, SILENT)
    yield from ((unseen, UNSEEN) for unseen in tx.failsafe.unseen())
