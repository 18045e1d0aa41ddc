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
    "decode": "show what stands in an HL7 v2 file, field by field",
    "send": "send files over MLLP and report each answer",
    "trace": "follow a message or result from the bytes to the letter",
    "tasks": "the manual-match queue: list, show, match, reject, query, undo",
    "relay": "the outbox and RabbitMQ: refill what the broker lost",
    "dead": "dead letters, which nobody could handle: list, show, retry, drop",
    "journal": "what arrived and what was answered: list, show, export",
    "cohort": "the people who may be matched: import",
    "person": "one person's recall and why; put off, cease, reinstate",
    "pnl": "the practices' lists and their answers",
    "recall": "call and recall: the daily run, and what it did",
    "report": "figures and lists: every result and its letter",
    "docs": "write the generated documents afresh, or check that they are",
}
