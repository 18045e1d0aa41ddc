"""What a hub's database holds at the end, read past the hub's own code, and what must be true of it after any fault."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.journeys.laboratories import Laboratories
from tests.journeys.workload import Day

Row = dict[str, Any]
ASKED = ("second-inadequate", "third-hpv-positive", "invalid-return-to-routine", "repeat-months")
"""The rules' own questions. Which of two results waits before the clerk and which stands on the record with the
question beside it depends on which came first (decision 0011), and between competing workers either may."""

_RESULTS = """
    SELECT r.*,
           (SELECT count(*) FROM matches m WHERE m.result_id = r.result_id AND undone_at IS NULL) AS live,
           (SELECT count(*) FROM tasks t WHERE t.result_id = r.result_id AND state <> 'closed') AS tasks,
           (SELECT min(reason) FROM tasks t WHERE t.result_id = r.result_id AND state <> 'closed') AS waits,
           (SELECT min(t.participant_id) FROM tasks t WHERE t.result_id = r.result_id AND state <> 'closed') AS asked
    FROM results r
"""
_RECORDS = """
    SELECT p.participant_id, p.nhs_number, r.recall_type, r.next_test_due_on, r.policy, r.data
    FROM records r JOIN participants p ON p.participant_id = r.participant_id
"""


class Kept:
    """The rows of either database."""

    def __init__(self, rows: Callable[[str], list[Row]]) -> None:
        self.journal = rows("SELECT seq, feed, digest, raw, state, results FROM journal")
        self.repeats = rows("SELECT journal_seq FROM repeats")
        self.results = rows(_RESULTS)
        self.tasks = rows("SELECT * FROM tasks")
        self.letters = rows("SELECT * FROM letters")
        self.events = rows("SELECT event_id, type, subject, data, confirmed_at, finished_at FROM outbox")
        self.inbox = rows("SELECT event_id, consumer FROM inbox")
        self.dead = rows("SELECT event_id, why FROM dead_letters")
        self.records = rows(_RECORDS)

    @classmethod
    def in_directory(cls, data: Path) -> Kept:
        """Of the embedded hub."""

        def rows(query: str) -> list[Row]:
            return [dict(row) for row in store.execute(query).fetchall()]

        with closing(sqlite3.connect(data / "hub.sqlite")) as store:
            store.row_factory = sqlite3.Row
            assert store.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert not store.execute("PRAGMA foreign_key_check").fetchall()
            return cls(rows)

    @classmethod
    def at(cls, url: str) -> Kept:
        """Of a PostgreSQL database."""

        def rows(query: str) -> list[Row]:
            return store.execute(query).fetchall()

        with psycopg.connect(url, row_factory=dict_row) as store:
            store.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            return cls(rows)

    def asked(self) -> set[str]:
        """The people about whom one of the rules asks a clerk."""
        return {row["asked"] for row in self.results if row["waits"] in ASKED}

    def folded(self, but: Collection[str] = ()) -> dict[str, Any]:
        """Every person's record, but these people's, in what does not depend on how often it was made: slides, not
        ids."""
        slides = {row["result_id"]: row["slide_number"] for row in self.results}
        return {row["nhs_number"]: _record(row, slides) for row in self.records if row["participant_id"] not in but}

    def questions(self) -> Counter[tuple[str, str, str]]:
        """Of everybody who is asked about: each slide that is hers or waits to be, and what is asked about it."""
        people = {row["participant_id"]: row["nhs_number"] for row in self.records}
        waits = {row["result_id"]: row["waits"] or "" for row in self.results}
        asked = self.asked()
        stands = [
            (record["nhs_number"], slide, waits[result])
            for record in self.records
            if record["participant_id"] in asked
            for result, slide in _on_record(record).items()
        ]
        waiting = [
            (people[row["asked"]], row["slide_number"], row["waits"])
            for row in self.results
            if row["asked"] in asked and row["state"] == "waiting"
        ]
        return Counter(stands + waiting)

    def endings(self, but: Collection[str] = ()) -> Counter[tuple[Any, ...]]:
        """How every result ended, but those of these people."""
        theirs = {result for record in self.records if record["participant_id"] in but for result in _on_record(record)}
        theirs |= {row["result_id"] for row in self.results if row["asked"] in but}
        return Counter(_ending(row) for row in self.results if row["result_id"] not in theirs)

    def letters_live(self, but: Collection[str] = ()) -> Counter[tuple[str, str, str]]:
        """The letters that are wished or wait, but those to these people."""
        live = [
            row for row in self.letters if row["state"] in ("wished", "waiting") and row["participant_id"] not in but
        ]
        return Counter((row["result_id"], row["code"], row["state"]) for row in live)

    def letter_states(self) -> Counter[tuple[str, str, str]]:
        """Every letter, also those that a correction cancelled: they are there if the first report came first."""
        return Counter((row["result_id"], row["code"], row["state"]) for row in self.letters)

    def wishes(self) -> Counter[tuple[str, str]]:
        """How often each letter about a result was wished for by an event."""
        letters = (json.loads(bytes(row["data"])) for row in self.events if row["type"] == "LetterWished")
        return Counter((letter["result_id"], letter["code"]) for letter in letters)

    def missing(self, digests: Collection[str]) -> set[str]:
        """Of these messages those that do not stand in the journal."""
        return set(digests) - {row["digest"] for row in self.journal}


def _on_record(record: Row) -> dict[str, str]:
    """Result → slide of what stands on a record."""
    return {kept["result_id"]: kept["slide_number"] for kept in json.loads(bytes(record["data"]))["results"]}


def _ending(row: Row) -> tuple[Any, ...]:
    return tuple(row[fact] for fact in ("digest", "position", "state", "waits", "live"))


def _record(row: Row, slides: dict[str, str]) -> tuple[Any, ...]:
    due_on = row["next_test_due_on"]  # SQLite has no dates
    record = json.loads(bytes(row["data"]))
    facts = ("combination", "test_on", "laboratory_code", "slide_number", "version", "months")
    results = tuple(tuple(kept[fact] for fact in facts) for kept in record["results"])
    alerts = tuple(sorted((slides[alert["result_id"]], alert["reason"]) for alert in record["alerts"]))
    return (row["recall_type"], str(due_on), row["policy"], results, alerts, tuple(record["because"]))


def nothing_lost(kept: Kept, plan: Day, told: Laboratories) -> None:
    """Every message acknowledged stands in the journal exactly once, byte for byte, and each of its results ended."""
    rows: dict[str, list[Row]] = {}
    for row in kept.journal:
        rows.setdefault(row["digest"], []).append(row)
        assert hashlib.sha256(row["raw"]).hexdigest() == row["digest"]
    results: dict[int, list[Row]] = {}
    for result in kept.results:
        results.setdefault(result["journal_seq"], []).append(result)
    for sending in plan.sendings:
        assert set(told.answers[sending.raw]) == {sending.answer}
        found = rows.get(hashlib.sha256(sending.raw).hexdigest(), [])
        assert len(found) == 1, f"an acknowledged message stands in the journal {len(found)} times"
        (row,) = found
        assert row["raw"] == sending.raw
        ended = results.get(row["seq"], [])
        assert len(ended) == row["results"] == sending.results
        assert all(_one_outcome(result) for result in ended), [_ending(result) for result in ended]
    assert len(kept.journal) == len({sending.raw for sending in plan.sendings})


def _one_outcome(result: Row) -> bool:
    """On one record, with one question about it at most; or off every record before one task; or set aside by a
    correction."""
    found = (result["live"], result["tasks"])
    if result["state"] == "recorded":
        return found == (1, 0) or (found == (1, 1) and result["waits"] in ASKED)
    return found == {"waiting": (0, 1), "superseded": (0, 0)}.get(result["state"])


def nothing_repeated(kept: Kept) -> None:
    """Each event was finished and handled once, and each letter wished for once; nothing was given up."""
    assert not [row for row in kept.events if row["finished_at"] is None]
    assert max(Counter(row["event_id"] for row in kept.events).values()) == 1
    handled = Counter(row["event_id"] for row in kept.inbox)
    reported = {row["event_id"] for row in kept.events if row["type"] in ("ResultReported", "ReportParked")}
    assert set(handled) == reported and max(handled.values()) == 1
    assert max(kept.wishes().values()) == 1, "a letter was wished twice"
    live = Counter(row["result_id"] for row in kept.letters if row["state"] == "wished")
    assert max(live.values()) == 1, "two letters for one result"
    assert not kept.dead
    assert "our-fault" not in {row["reason"] for row in kept.tasks}


def same_outcome(kept: Kept, alone: Kept) -> None:
    """Whatever order the events were handled in: the same records, questions, endings and live letters."""
    here, there = kept.asked(), alone.asked()
    assert kept.questions() == alone.questions()
    assert kept.folded(here) == alone.folded(there)
    assert kept.endings(here) == alone.endings(there)
    assert kept.letters_live(here) == alone.letters_live(there)
    held = {row["state"] for row in kept.letters if row["participant_id"] in here}
    assert held <= {"waiting", "withheld", "cancelled"}, "a letter goes out while a question about her is open"
    wished = {(row["result_id"], row["code"]) for row in kept.letters if row["state"] == "wished"}
    assert wished <= kept.wishes().keys(), "a letter without its event: nobody will send it"


def same_history(kept: Kept, alone: Kept) -> None:
    """Where events are handled in the order in which they came: everything, and the way there."""
    same_outcome(kept, alone)
    assert kept.folded() == alone.folded()
    assert kept.endings() == alone.endings()
    assert kept.wishes() == alone.wishes()
    assert kept.letter_states() == alone.letter_states()
