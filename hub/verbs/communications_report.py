"""`hub report communications`: every wish by plan, state and age; what is held up; and what waits silently."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub.verbs.speaking import data_argument, json_argument, say, say_json, say_table, settings_of

if TYPE_CHECKING:
    from hub.flow.communication_report import CommunicationReport
    from hub.io.store import SqlStore

SHOWN = 10
WHAT = {
    "wished-and-left": "wished, and nobody hands it over: does a worker run, and is HUB_NOTIFY_URL set?",
    "no-message": "counted as sent, and there is no message of it",
    "claimed-and-left": "claimed, and nobody takes the claim over: does a worker run?",
    "not-followed-up": "sent, and nobody asks about it: does a worker run?",
    "failed-without-task": "failed, and nobody is told",
    "waits-for-no-task": "waits for a task about her, and there is none",
}
"""What is silent about a wish, and where to look."""


def communications_arguments(communications: argparse.ArgumentParser) -> None:
    data_argument(communications)
    json_argument(communications)


def run_communications(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.app.tables import catalogue_of
    from hub.flow.communication_report import communication_report

    catalogue, now = catalogue_of(settings_of(options)), datetime.now(UTC)
    report = store.read_now(lambda tx: communication_report(tx, catalogue, now))
    if options.json:
        say_json(report.as_json())
    else:
        _say(report, now)
    return 1 if report.silent else 0


def _say(report: CommunicationReport, now: datetime) -> None:
    rows = [
        (line.plan, line.state, line.many, f"{(now - line.oldest_at).days} days", line.why) for line in report.lines
    ]
    say_table(("plan", "state", "letters", "oldest", "why"), rows)
    for batch in report.held:
        say(f"\nHeld up: {batch.plan}, {batch.why}; try {batch.tries + 1} at {batch.look_at:%Y-%m-%d %H:%M:%S}Z.")
    if report.needing:
        say(f"\nNeeding somebody (`hub communications list`): {sum(report.needing.values())}")
        say_table(("why", "messages"), sorted(report.needing.items()))
    if report.strangers:
        say(f"\nNews about messages that are none of ours: {report.strangers}.")
    if not report.silent:
        say("\nNothing waits silently: every wish has an end, or something that is done next about it.")
        return
    for what in dict.fromkeys(one.what for one in report.silent):
        some = [one.letter_id for one in report.silent if one.what == what]
        say(f"\n{len(some)} letters wait SILENTLY: {WHAT[what]}")
        for letter_id in some[:SHOWN]:
            say(f"  {letter_id}")
