"""The tables, in the field's words: one schema for SQLite and PostgreSQL. Migrations build it; a test compares the two.

journal ──< replies        what arrived, byte for byte, and what was answered
   │  │       └─ withheld  answers that a rehearsal kept back
   │  ├──< repeats         the same bytes again
   │  ├──< requests        what a partner called its request over HTTP, and which reply it got
   │  ├──< files           what came as a file, with the number its sender gave it
   │  ├──< slides          the results of each message as they were at receipt, taken or refused
   │  └──< outgoing        messages to laboratories: confirmations of files, refusals
   └──< results ──< matches >── participants ──< facts, records, letters
   │       ├──< tasks ──< decisions
   │       └──< refusals        what a clerk refused after AA, and whether its laboratory has taken note
   └──< discharges ──< tasks    what colposcopy clinics report; the person on whose record one was put stands in its row
notifications, actions     call and recall: the practices' lists, what was decided about a person
recall_runs                what each day's run did
outbox, inbox              events leaving a transaction, and which consumer has handled which
assertions, token_keys     what partners have proven themselves with over HTTP, and what their tokens are signed with
dead_letters, duties       events that could not be handled; what the schedules did last
merges, cohort_files       two participants who were one person; how far each file of the cohort was taken
feed_hours                 answers to each feed by the hour
file_faults ──< file_notes files that are missing or corrupt, and what was done about each
pace                       when a partner may be asked next
questions                  what PDS is to be asked, and what it was asked by whom
communications             each letter handed to NHS Notify, under which reference, and what became of it
  ├──< communication_news       what Notify told, each once
  ├──< communication_decisions  what somebody did about one that failed
  └──> communication_batches    handed over together, always under the same reference
"""

from __future__ import annotations

from hub.io.store.schema.communications import (
    communication_batches,
    communication_decisions,
    communication_news,
    communications,
)
from hub.io.store.schema.events import dead_letters, duties, inbox, outbox, pace, questions
from hub.io.store.schema.messages import (
    feed_hours,
    file_faults,
    file_notes,
    files,
    journal,
    outgoing,
    repeats,
    replies,
    slides,
    withheld,
)
from hub.io.store.schema.partners import assertions, refusals, requests, token_keys
from hub.io.store.schema.people import (
    actions,
    cohort_files,
    facts,
    letters,
    matches,
    merges,
    notifications,
    participant_keys,
    participants,
    recall_runs,
    records,
)
from hub.io.store.schema.reports import decisions, discharges, results, task_keys, tasks
from hub.io.store.schema.types import Moment, Words, as_kept, metadata

__all__ = [
    "Moment",
    "Words",
    "actions",
    "as_kept",
    "assertions",
    "cohort_files",
    "communication_batches",
    "communication_decisions",
    "communication_news",
    "communications",
    "dead_letters",
    "decisions",
    "discharges",
    "duties",
    "facts",
    "feed_hours",
    "file_faults",
    "file_notes",
    "files",
    "inbox",
    "journal",
    "letters",
    "matches",
    "merges",
    "metadata",
    "notifications",
    "outbox",
    "outgoing",
    "pace",
    "participant_keys",
    "participants",
    "questions",
    "recall_runs",
    "records",
    "refusals",
    "repeats",
    "replies",
    "requests",
    "results",
    "slides",
    "task_keys",
    "tasks",
    "token_keys",
    "withheld",
]
