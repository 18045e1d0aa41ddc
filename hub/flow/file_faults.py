"""Files that are missing or corrupt, until the laboratory knows and the matter is resolved.

open ──inform──► informed ──resolve──► resolved        note: another entry in the diary, at any time before that
  └────────────── the file came after all ──────────►

A missing file shows by its number, or a person adds it by hand. Whatever is done is an entry in the diary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from uuid import uuid4

from hub.contract import named_identity
from hub.domain.dates import day_in_england
from hub.flow.ports.feeds import FileFault, FileNote
from hub.flow.ports.store import Clock, Store, Transaction

GAPS = 200
JUMP = 100
"""More numbers than that in a row are one matter: a sender that counts anew, not so many files."""
LONGEST_NOTE = 1000
_LONGEST_AGO = timedelta(days=366)
HUB = "hub"


class Refused(Exception):
    """It cannot be done; the sentence says why and what to do."""


async def notice_file_faults(store: Store, clock: Clock) -> None:
    """Look through the files of every feed."""
    now = clock()
    for feed in await store.read(lambda tx: tx.file_faults.feeds_with_files()):
        await store.write(partial(notice, feed=feed, at=now))


def notice(tx: Transaction, feed: str, at: datetime) -> None:
    """Write down what is new with the files of a feed, and what came after all. To do it again changes nothing."""
    for fault in (*_missing(tx, feed, at), *_corrupt(tx, feed, at)):
        if tx.file_faults.put(fault):
            _write(tx, fault, "found", HUB, "", at)
    for fault in tx.file_faults.of_feed(feed, GAPS):
        if fault.kind == "missing" and fault.state != "resolved" and _came(tx, fault):
            _change(tx, fault, "resolved", HUB, "The file came after all.", at)


def _missing(tx: Transaction, feed: str, at: datetime) -> Iterator[FileFault]:
    for first, last in tx.files.gaps(feed, GAPS):
        step = 1 if last - first < JUMP else last - first + 1
        for number in range(first, last + 1, step):
            end = number + step - 1
            yield FileFault(named_identity(f"missing|{feed}|{end}"), feed, "missing", at, first=number, last=end)


def _corrupt(tx: Transaction, feed: str, at: datetime) -> Iterator[FileFault]:
    for seq, name in tx.file_faults.corrupt(feed):
        yield FileFault(named_identity(f"corrupt|{seq}"), feed, "corrupt", at, journal_seq=seq, name=name)


def _came(tx: Transaction, fault: FileFault) -> bool:
    if fault.first is None or fault.first != fault.last:  # of a jump each number that is still missing is its own
        return False
    return bool(tx.file_faults.numbers_came(fault.feed, fault.first, fault.first))


def add_missing(tx: Transaction, feed: str, name: str, due_on: date, *, by: str, text: str, at: datetime) -> FileFault:
    """A file that a person knows to be missing."""
    today = day_in_england(at)
    if not today - _LONGEST_AGO <= due_on <= today:
        raise Refused("The day a missing file was due lies in the past, a year ago at most. Give another day.")
    _fit(by, text)
    fault = FileFault(str(uuid4()), feed, "missing", at, name=name[:256], due_on=due_on, added_by=by)
    tx.file_faults.put(fault)
    _write(tx, fault, "found", by, text, at)
    return fault


def inform(tx: Transaction, fault_id: str, who: str, on: date, *, by: str, text: str, at: datetime) -> FileFault:
    """The laboratory was told on that day: `who` of it."""
    fault = _unresolved(tx, fault_id)
    _fit(by, text)
    if not who.strip():
        raise Refused("Say who of the laboratory was told.")
    if on > day_in_england(at) or on < day_in_england(fault.found_at):
        raise Refused("The laboratory was told on a day since the fault was found, today at the latest.")
    return _change(tx, replace(fault, informed_on=on, informed_who=who[:256]), "informed", by, text, at)


def note(tx: Transaction, fault_id: str, *, by: str, text: str, at: datetime) -> FileFault:
    """Another entry in the diary."""
    fault = _unresolved(tx, fault_id)
    _fit(by, text)
    if not text.strip():
        raise Refused("A note needs a text.")
    _write(tx, fault, "noted", by, text, at)
    return fault


def resolve(tx: Transaction, fault_id: str, *, by: str, text: str, at: datetime) -> FileFault:
    """Nothing more is to be done."""
    fault = _unresolved(tx, fault_id)
    _fit(by, text)
    if fault.state != "informed":
        raise Refused("The laboratory does not know yet: inform it first, and say who was told.")
    return _change(tx, fault, "resolved", by, text, at)


def _unresolved(tx: Transaction, fault_id: str) -> FileFault:
    tx.hold(f"file fault {fault_id}")
    fault = tx.file_faults.get(fault_id)
    if fault is None:
        raise Refused("There is no such fault.")
    if fault.state == "resolved":
        raise Refused("It is resolved already. If the file is missing again, add it by hand.")
    return fault


def _fit(by: str, text: str) -> None:
    if not by.strip():
        raise Refused("Say who does it.")
    if len(text) > LONGEST_NOTE:
        raise Refused(f"A note has {LONGEST_NOTE} characters at most. Shorten it.")


def _change(tx: Transaction, fault: FileFault, state: str, by: str, text: str, at: datetime) -> FileFault:
    changed = replace(fault, state=state, changed_at=at)
    tx.file_faults.change(changed)
    _write(tx, changed, state, by, text, at)
    return changed


def _write(tx: Transaction, fault: FileFault, what: str, by: str, text: str, at: datetime) -> None:
    tx.file_faults.note(FileNote(fault.fault_id, at, by, what, text))
