"""The answer to an interchange: the NHS acknowledgement NHSACK (NHS001), one interchange with one message."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.domain.dates import ENGLAND
from hub.formats.edifact.interchange import Interchange
from hub.formats.edifact.marks import USUAL, escaped

_IN_COMPONENT, _COMPONENTS = 70, 5
"""What FTX-4 holds: five components of seventy characters."""


@dataclass(frozen=True, slots=True)
class MessageVerdict:
    """What became of one message; `errors` are the sentences for its sender, none where it was taken."""

    reference: str
    errors: tuple[str, ...] = ()


def acknowledge(
    received: Interchange,
    code: str,
    errors: Sequence[str],
    messages: Sequence[MessageVerdict],
    at: datetime,
    reply_id: str,
) -> bytes:
    """`code` is IAF, IAP, IRA, IRI or IRM; `errors` are those of the whole interchange. `at` is aware."""
    at = at.astimezone(ENGLAND)
    sender, recipient = _party(received, 2), _party(received, 3)
    reference = escaped(reply_id[:14], USUAL)  # as long as UNB-5 may be
    body = [
        "UNH+1+NHSACK:D:1:NH:NHS001",
        "BGM+AKR",
        f"DTM+137:{at:%Y%m%d}:102",
        f"NIR+SIR:{_quoted(received.reference)}+{sender}+{recipient}+{code}",
        *(_free_text(error) for error in errors),
        *(line for message in messages for line in _of_message(message)),
    ]
    segments = [
        f"UNB+UNOC:3+{recipient}+{sender}+{at:%y%m%d}:{at:%H%M}+{reference}++NHSACK",
        *body,
        f"UNT+{len(body) + 1}+1",
        f"UNZ+1+{reference}",
    ]
    return ("UNA:+.? '\r\n" + "".join(f"{segment}'\r\n" for segment in segments)).encode("iso-8859-1", "replace")


def _of_message(message: MessageVerdict) -> Iterator[str]:
    yield f"NMR+AGO:{_quoted(message.reference)}+{'MR' if message.errors else 'MA'}"
    yield from (_free_text(error) for error in message.errors)


def _free_text(error: str) -> str:
    lines = textwrap.wrap(error, _IN_COMPONENT)[:_COMPONENTS]
    return "FTX+ERD+++" + ":".join(escaped(line, USUAL) for line in lines)


def _party(received: Interchange, element: int) -> str:
    """A party of UNB as it named itself there: its code, and what kind of code that is."""
    if received.header is None:
        return ""
    parts = [_quoted(received.header.value(element, component)) for component in (1, 2)]
    return ":".join(parts).rstrip(":") if parts[1] else parts[0]


def _quoted(text: str) -> str:
    """What the sender wrote, unable to end a segment or a line, no longer than the field may be."""
    return escaped("".join(letter for letter in text.strip()[:35] if letter.isprintable()), USUAL)
