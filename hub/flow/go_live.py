"""The go-live report of a rehearsal, check by check, for both sides to keep. No person is named in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.flow import conduct
from hub.flow.conduct import Tally
from hub.flow.rehearsal import FIRST_WITHHELD, WITHHELD_EVERY, Rehearsed

PASSED, FAILED, NOT_SEEN = "passed", "failed", "not seen yet"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: how often it was seen to be right, and the places where it was not. `do` is what is to be done."""

    name: str
    what: str
    state: str
    right: int
    wrong: tuple[str, ...] = ()
    do: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The go-live report of a feed."""

    feed: str
    laboratory: str
    made_at: datetime
    messages: int
    connections: int
    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        return all(check.state == PASSED for check in self.checks)


def report(rehearsed: Rehearsed, at: datetime) -> Report:
    """Every check, in the order in which a laboratory comes to them."""
    checks = tuple(_judged(each, each.see(rehearsed, at)) for each in _QUESTIONS)
    table = rehearsed.table
    return Report(table.feed, table.name, at, len(rehearsed.seen), len(rehearsed.connections), checks)


@dataclass(frozen=True, slots=True)
class _Question:
    """What a check asks; what is to be done where it failed (`mend`), and where there is more to see (`show`)."""

    name: str
    what: str
    mend: str
    show: str
    see: Callable[[Rehearsed, datetime], Tally]


def _judged(asked: _Question, tally: Tally) -> Check:
    if tally.wrong:
        return Check(asked.name, asked.what, FAILED, tally.right, tuple(tally.wrong), asked.mend)
    if tally.missing or not tally.right:
        do = f"{asked.show} {tally.missing}".rstrip()
        return Check(asked.name, asked.what, NOT_SEEN, tally.right, (), do)
    return Check(asked.name, asked.what, PASSED, tally.right)


_QUESTIONS = (
    _Question(
        "framing",
        "Each message comes whole, in a frame of its own.",
        "Laboratory: begin each message with 0B and end it with 1C 0D, and send it whole.",
        "Laboratory: send the first message to the rehearsal port.",
        conduct.framing,
    ),
    _Question(
        "header",
        "The header names sender, type and control id as agreed, and the connection proves the sender.",
        "Laboratory: fill the fields named, as the interface specification says; use the certificate or address "
        "agreed.",
        "Laboratory: send a message.",
        conduct.header,
    ),
    _Question(
        "synthetic people",
        "Every NHS number is of the range kept for tests.",
        "Laboratory: stop. A rehearsal takes synthetic people only, whose NHS numbers begin with 999. "
        "Both sides: ask whoever answers for data protection what is to be done about these messages.",
        "Laboratory: send results of synthetic people with NHS numbers that begin with 999.",
        conduct.synthetic,
    ),
    _Question(
        "charset",
        "Letters beyond ASCII come in the charset that the header declares (MSH-18).",
        "Laboratory: declare in MSH-18 the charset that is sent.",
        "Laboratory: send a name with an accent.",
        conduct.charset,
    ),
    _Question(
        "control ids",
        "No control id is used for two messages.",
        "Laboratory: give each message a control id of its own; keep it when the same bytes are sent again.",
        "Laboratory: send several messages.",
        conduct.control_ids,
    ),
    _Question(
        "resend after silence",
        "A message that was not answered is sent again, byte for byte.",
        "Laboratory: where no answer comes, send the same bytes again, until one does.",
        f"Hub: it keeps back the answer to message {FIRST_WITHHELD} that it takes, then to each {WITHHELD_EVERY}th: "
        "send on.",
        conduct.withheld,
    ),
    _Question(
        "resend after AE",
        "A message that was answered AE is mended and sent again.",
        "Laboratory: mend what the answer names, and send it again.",
        "Laboratory: send a result without its slide number, then the mended message.",
        conduct.mended,
    ),
    _Question(
        "several messages",
        "A connection carries several messages.",
        "",
        "Laboratory: keep the connection open, and send the next message on it.",
        conduct.several,
    ),
    _Question(
        "reconnect",
        "After a connection has ended, another is made.",
        "",
        "Laboratory: close the connection, or restart the sender, and send on.",
        conduct.reconnects,
    ),
    _Question(
        "corrections",
        "A correction or withdrawal comes after what it corrects, and is issued later.",
        "Laboratory: send the versions of a slide in the order of their issue, each with its own time.",
        "Laboratory: report a slide, correct it, and withdraw it.",
        conduct.corrections,
    ),
    _Question(
        "codes",
        "Every code that came is in the feed's table.",
        "Hub: put the codes at these places into the table; then make this report again.",
        "Laboratory: send a result.",
        conduct.codes,
    ),
    _Question(
        "combinations",
        "Every valid combination of result, HPV and action code has been seen.",
        "",
        "Laboratory: send a result with each.",
        conduct.combinations,
    ),
)


def as_fields(made: Report) -> dict[str, Any]:
    """The report for programs."""
    return {
        "feed": made.feed,
        "laboratory": made.laboratory,
        "made_at": made.made_at.isoformat(),
        "messages": made.messages,
        "connections": made.connections,
        "ready": made.ready,
        "checks": [
            {
                "name": check.name,
                "what": check.what,
                "state": check.state,
                "right": check.right,
                "wrong": len(check.wrong),
                "places": list(check.wrong),
                "do": check.do,
            }
            for check in made.checks
        ],
    }


def as_lines(made: Report, places: int = 10) -> Sequence[str]:
    """The report for people, to be printed and signed."""
    lines = [
        f"GO-LIVE REPORT   {made.laboratory} (feed {made.feed})   {made.made_at:%Y-%m-%d %H:%M}Z",
        f"{made.messages} messages on {made.connections} connections.",
        "Ready to go live." if made.ready else "Not ready: see what is not passed.",
        "",
    ]
    for check in made.checks:
        counted = f"{check.right} right" + (f", {len(check.wrong)} wrong" if check.wrong else "")
        lines += [f"[{check.state:^12}]  {check.name}: {check.what} ({counted})"]
        lines += [f"{'':16}{place}" for place in check.wrong[:places]]
        lines += [f"{'':16}and {len(check.wrong) - places} more"] if len(check.wrong) > places else []
        lines += [f"{'':16}{check.do}"] if check.do else []
    signed = f"{'_' * 30}   {'_' * 12}"
    return [*lines, "", f"Laboratory  {signed}", f"Hub         {signed}"]
