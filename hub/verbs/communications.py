"""`hub communications`: messages that NHS Notify could not deliver, or says nothing of; and what is done about each."""

from __future__ import annotations

import argparse
import getpass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.person import decide, stepped
from hub.verbs.speaking import (
    advancing,
    count,
    data_argument,
    day,
    json_argument,
    opened_store,
    say,
    say_json,
    say_table,
    settings_of,
)

if TYPE_CHECKING:
    from hub.domain.communications import News
    from hub.flow.actions import Signed
    from hub.flow.ports.communications import CommunicationDecision, CommunicationRow
    from hub.flow.ports.store import Transaction
    from hub.flow.step import Step
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub communications list                                      what needs somebody, referrals first",
    "hub communications list --state sent --limit 20              the newest on their way",
    "hub communications show 3f2a                                 one message: what was told of it, what was decided",
    "hub communications settle 3f2a --why 'practice told her'     she was told by other means",
    "hub communications retry 3f2a --why 'address corrected'      wished again, under another reference",
    "hub communications undo 3f2a --why 'that was another'        take back what was decided",
    "hub communications let-be --before 2026-11-01 --dry-run      before the first start with NHS Notify: what is old",
    "hub communications let-be --before 2026-11-01 --why 'sent by CSMS until then'        it does not go out",
)
STATES = ("claimed", "sent", "delivered", "failed", "withdrawn")
LIMIT = 200
AT_ONCE = 500


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, line in (
        ("list", "what needs somebody; or the newest in a state"),
        ("show", "one message, and everything told of it"),
        ("settle", "she was told by other means, or need not be"),
        ("retry", "the letter is wished again"),
        ("undo", "take back what was decided"),
        ("let-be", "letters wished before a day do not go out: others sent them"),
    ):
        action = actions.add_parser(name, help=line)
        data_argument(action)
        json_argument(action)
        if name == "list":
            action.add_argument("--state", choices=STATES, help="those in this state (default: those needing somebody)")
            action.add_argument("--limit", type=count, default=LIMIT, help=f"how many (default {LIMIT})")
            continue
        if name == "let-be":
            _let_be_arguments(action)
            continue
        action.add_argument("message", help="the message's reference, or how it begins")
        if name != "show":
            action.add_argument("--by", default=getpass.getuser(), help="who decides (default: the user)")
            action.add_argument("--why", required=True, help="the reason, kept; no clinical information")


def _let_be_arguments(action: argparse.ArgumentParser) -> None:
    action.add_argument("--before", type=day, required=True, metavar="DATE", help="those wished before that day began")
    action.add_argument("--dry-run", action="store_true", help="say how many that would be, and change nothing")
    action.add_argument("--by", default=getpass.getuser(), help="who decides (default: the user)")
    action.add_argument("--why", default="", help="the reason, kept with each letter (needed without --dry-run)")


def run(options: argparse.Namespace) -> int:
    with opened_store(options) as store:
        return {"list": _list, "show": _show, "let-be": _let_be}.get(options.action, _decide)(store, options)


def _list(store: SqlStore, options: argparse.Namespace) -> int:
    rows = store.read_now(lambda tx: _listed(tx, options))
    if options.json:
        say_json([fields_of(row) for row in rows])
        return 0
    now = datetime.now(UTC)
    if rows:
        say_table(("message", "letter", "plan", "state", "since", "channel", "why"), [_line(row, now) for row in rows])
    say(f"{len(rows)} {options.state or 'that need somebody'}.")
    return 0


def _listed(tx: Transaction, options: argparse.Namespace) -> list[CommunicationRow]:
    if options.state:
        return tx.communications.listed(options.state, options.limit)
    return tx.communications.needing_somebody(options.limit)


def _line(row: CommunicationRow, now: datetime) -> tuple[object, ...]:
    since = row.task_at or row.ended_at or row.sent_at or row.claimed_at
    return (row.reference[:8], row.code, row.plan, row.state, _age(now, since), row.channel, sentence_of(row))


def _age(now: datetime, since: datetime) -> str:
    hours = max(0, int((now - since).total_seconds() // 3600))
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"


def sentence_of(row: CommunicationRow) -> str:
    """Why, for people: the code, and our words for it, else Notify's."""
    from hub.domain.delivery import TROUBLES

    words = TROUBLES.get(row.why) or row.description
    return f"{row.why}: {words}" if words else row.why


def fields_of(row: CommunicationRow) -> dict[str, Any]:
    """For programs."""
    plain = {name: getattr(row, name) for name in row.__slots__}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in plain.items()}


def _show(store: SqlStore, options: argparse.Namespace) -> int:
    row = _found(store, options.message)
    news = store.read_now(lambda tx: tx.communications.news_about([row])[row.reference])
    decisions = store.read_now(lambda tx: tx.communications.decisions(row.reference))
    (letter,) = store.read_now(lambda tx: tx.letters.get([row.letter_id]))
    title = _title(options, row.code)
    if options.json:
        say_json(
            {
                **fields_of(row),
                "title": title,
                "participant_id": letter.participant_id,
                "letter_state": letter.state,
                "news": [_news_fields(each) for each in _in_order(news)],
                "decisions": [_decision_fields(each) for each in decisions],
            }
        )
        return 0
    say(f"message {row.reference}   {row.code} {title}, by plan {row.plan}")
    say(f"participant {letter.participant_id}   letter {letter.state}")
    say(f"{row.state}{', ' + sentence_of(row) if row.why else ''}\n")
    say_table(("at", "what", ""), list(_happened(row, news, decisions)))
    if row.needs_somebody:
        say(f"\nIt needs somebody: hub communications retry {row.reference[:8]}, or settle.")
    return 0


def _title(options: argparse.Namespace, code: str) -> str:
    from hub.app.tables import catalogue_of

    letter = catalogue_of(settings_of(options)).letters.get(code)
    return letter.title if letter else ""


def _in_order(news: list[News]) -> list[News]:
    return sorted(news, key=lambda each: (each.at, each.key))


def _happened(
    row: CommunicationRow, news: list[News], decisions: list[CommunicationDecision]
) -> list[tuple[str, str, str]]:
    from hub.domain.communications import ChannelNews

    found = [(row.wished_at, "wished", ""), (row.claimed_at, "claimed", f"batch {row.batch_reference[:8]}")]
    found += [(row.sent_at, "sent", row.message_id)] if row.sent_at else []
    for each in _in_order(news):
        what = each.channel if isinstance(each, ChannelNews) else "message"
        more = each.supplier_status if isinstance(each, ChannelNews) else ""
        found.append((each.at, f"{what} {each.status}", " ".join(word for word in (each.reason, more) if word)))
    found += [(one.decided_at, one.action, f"by {one.by}: {one.why}") for one in decisions]
    return [(f"{at:%Y-%m-%d %H:%M:%S}Z", what, detail) for at, what, detail in sorted(found)]


def _news_fields(news: News) -> dict[str, Any]:
    plain = {name: getattr(news, name) for name in news.__slots__}
    return {**plain, "at": news.at.isoformat()}


def _decision_fields(one: CommunicationDecision) -> dict[str, Any]:
    return {"action": one.action, "by": one.by, "why": one.why, "at": one.decided_at.isoformat()}


def _found(store: SqlStore, name: str) -> CommunicationRow:
    """The one message whose reference begins so; CannotRun otherwise."""
    found = store.read_now(lambda tx: tx.communications.find(name))
    if len(found) > 1:
        raise CannotRun(f"Several messages begin with {name!r}. `hub communications list --json` has them whole.")
    if not found:
        raise CannotRun(f"No message begins with {name!r}. `hub communications list` shows those that need somebody.")
    return found[0]


def _decide(store: SqlStore, options: argparse.Namespace) -> int:
    row = _found(store, options.message)
    return decide(store, options, lambda step, signed: _decision(step, row.reference, options.action, signed))


def _decision(step: Step, reference: str, action: str, signed: Signed) -> None:
    from hub.flow import communication_clerks as clerks

    {"settle": clerks.settle, "retry": clerks.retry, "undo": clerks.undo}[action](step, reference, signed)


def _let_be(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.domain.dates import ENGLAND

    before = datetime.combine(options.before, time(), ENGLAND)
    by_code = store.read_now(lambda tx: tx.communications.count_before("wished", before))
    many = sum(by_code.values())
    if options.dry_run:
        if options.json:
            say_json({"wished_before": by_code})
        else:
            say_table(("letter", "wished before then"), [*by_code.items(), ("all", many)])
        return 0
    if not options.why.strip():
        raise CannotRun("--why is needed: the reason is kept with each letter. --dry-run says how many there are.")
    left = _let_each_be(store, options, before, many)
    say_json({"let_be": left}) if options.json else say(f"{left:,} letters do not go out.")
    return 0


def _let_each_be(store: SqlStore, options: argparse.Namespace, before: datetime, many: int) -> int:
    """In batches: whoever else decides about one of these people waits for no more than one."""
    from hub.flow.communication_clerks import let_be
    from hub.flow.patience import patiently_now

    advance, left = advancing("letters", many), 0
    while some := patiently_now(stepped, store, options, lambda step, signed: let_be(step, before, AT_ONCE, signed)):
        left += some
        advance(some)
    return left
