"""The verbs of the command line: one module each, imported only when it is used.

A verb module has `EXAMPLES` (shown by --help), `arguments(parser)` and `run(options) -> int`. Exit codes: 0 fine,
1 found something wrong, 2 could not run.
"""

from __future__ import annotations

VERBS: dict[str, str] = {
    "demo": "the whole story: laboratories send, records change, the clerks' queue fills",
    "up": "run the hub: every role in this process",
    "run": "run one role of the hub",
    "check": "check the mapping tables; or a message against its feed, nothing stored",
    "redact": "a message that may be shown to others: other people in it, the same outcome",
    "new": "a new laboratory on a language the hub speaks: its table and a golden example, from a sample",
    "new-dialect": "a new wire language: an adapter to fill in, its register line, a table, golden examples, a page",
    "coverage": "what messages say that their table never reads, and the codes it lacks today",
    "decode": "show what stands in a file: HL7 v2 field by field, else each result read from it",
    "simulate": "a laboratory that sends, with as many mistakes as wanted; a year of the programme, and its account",
    "send": "send files over MLLP and report each answer",
    "replay": "read the journal again under the tables of today: what would change; make it so",
    "rehearsal": "the go-live report of a feed in rehearsal: what was seen, failed, or not seen yet",
    "tap": "events as they pass, personal data masked",
    "trace": "follow a message or result from the bytes to the letter",
    "feeds": "how each feed is: last message, answers, refusals, silence, clock, files",
    "files": "files that are missing or corrupt: show, inform, note, resolve, add",
    "report": "a laboratory's week or day, every result and its letter, every message, who waits for what",
    "tasks": "the manual-match queue: list, show, match, reject, query, undo",
    "refusals": "what clerks refused after AA, and whether its laboratory has taken note",
    "relay": "the outbox and RabbitMQ: refill what the broker lost",
    "dead": "dead letters, which nobody could handle: list, show, retry, drop",
    "journal": "what arrived and what was answered: list, show, export",
    "cohort": "the people who may be matched: import",
    "pds": "the national demographics: prove the connection, ask by hand",
    "notify": "NHS Notify, which tells people: prove the connection",
    "person": "one person's recall and why; put off, cease, reinstate",
    "pnl": "the practices' lists and their answers",
    "discharges": "discharges from colposcopy: list, show, apply, reject, undo, rejected",
    "communications": "messages that NHS Notify could not deliver: list, show, settle, retry, undo",
    "recall": "call and recall: the daily run, and what it did",
    "docs": "write the generated documents afresh, or check that they are",
}
