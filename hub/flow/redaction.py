"""Redaction: a message that may be shown to others, and still comes out exactly as it did.

Who the table says stands there is swapped (`stand_ins`); what the language says is a code or structure stays, and so
does what the table reads of the result; every other text is masked. Then it is proven: the hub says the same of it, to
the place and the shape, and no name or number of the old one is left. Else nothing is given out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from hub.contract import Adapter, Opened, Piece, Sourced
from hub.domain import nhs_number
from hub.errors import Reject
from hub.flow.conformance import conformance, pieces, place_key, places_around, table_places, without_counts
from hub.flow.stand_ins import StandIns, masked
from hub.mapping import Feeds
from hub.mapping.feed_table import Fact

DRAWINGS = 40
"""So often other stand-ins are drawn until the message comes out as it did: an impossible date must stay one."""
LONGEST_CODE, SHORTEST_DAY, LONGEST_DAY = 32, 8, 10
_NAMES = frozenset({"family_name", "given_names", "former_family_names"})
_PERSONAL = _NAMES | {"nhs_number", "local_id", "date_of_birth", "address_lines", "postcode", "slide_number",
                      "sample_taker_code"}  # fmt: skip
# What must be nowhere in the message any more. Towns are no secret, and laboratories are named after them.
_TELLING = _NAMES | {"nhs_number", "local_id", "date_of_birth", "postcode"}
_WORD = re.compile(r"[^\W_]{4,}")


class NotRedacted(Exception):
    """The message cannot be made shareable; the sentence says why, and nothing of the message."""


def redacted(adapter: Adapter, raw: bytes, feeds: Feeds, today: date, secret: bytes) -> bytes:
    """The message with other people in it. `secret` decides who they are: draw it anew each time, and forget it.

    Raises NotRedacted where the hub would not say the same of it."""
    opened = adapter.open(raw)
    if not opened.rewritable:
        raise NotRedacted("A workbook is only read here, never written. Save the list as CSV, and redact that.")
    sources = adapter.sources(opened, feeds)
    before = conformance(adapter, raw, feeds, today)
    for number in range(DRAWINGS):
        swap = _swap(opened, sources, StandIns(secret + number.to_bytes(2, "big")))
        try:
            new = adapter.rewritten(opened, feeds, swap.change)
        except UnicodeEncodeError:
            raise NotRedacted("What stands in for a letter cannot be written in the message's charset.") from None
        after, left = conformance(adapter, new, feeds, today), _left(adapter, new, feeds, swap.telling)
        if after == before and not left:
            return new
    if left:
        raise NotRedacted(f"A name or number of a person would still stand at {left[0] or 'no known place'}.")
    said = {*before.results, *before.found}
    where = next((one.place for each in (after.results, after.found) for one in each if one not in said), "")
    raise NotRedacted(f"The hub would say something else of it than of the message itself{where and f', at {where}'}.")


@dataclass(frozen=True, slots=True, repr=False)
class _Swap:
    """How each piece of the message changes. `named`: the facts at a place; `kept`: the places, and `of_sender` the
    texts (they say whose message it is) that stay; `telling`: the words of the people in it, in small letters."""

    stand_ins: StandIns
    named: dict[str, dict[str, Fact]]
    kept: frozenset[str]
    of_sender: frozenset[str]
    telling: frozenset[str]

    def change(self, piece: Piece) -> str:
        if self._is_asked(piece):
            return piece.text
        facts = next((self.named[key] for key in places_around(piece.place) if key in self.named), {})
        if personal := [name for name in facts if name in _PERSONAL]:
            return self._instead(personal, facts, piece.text)
        is_short = len(piece.text) <= LONGEST_CODE  # what is longer where a code belongs is no code
        if (facts and is_short) or piece.is_code or self._is_kept(piece):
            return _WORD.sub(lambda found: self._unless_telling(found[0]), piece.text)
        return self._masked(piece.text)

    def _instead(self, names: Sequence[str], facts: dict[str, Fact], text: str) -> str:
        """In several messages the same place may hold different facts of a person: the first that is one decides."""
        name = names[0]
        if name == "nhs_number" or "nhs_number" in names:
            return self.stand_ins.nhs_number(text)
        if name == "date_of_birth":
            return self.stand_ins.day(text)
        # A code of a form agreed keeps its letters, or it would be no such code any more.
        if name in ("slide_number", "sample_taker_code") or facts[name].pattern:
            return self.stand_ins.digits(text)
        return self.stand_ins.words(text)

    def _masked(self, text: str) -> str:
        """Of what nobody names: sentences are blanked; a date stays one, and what other places may refer to (a single
        word or number) becomes the same other one everywhere."""
        if " " in text.strip():
            return masked(text)
        return self.stand_ins.day(text) if len(text) >= SHORTEST_DAY else self.stand_ins.words(text)

    def _is_asked(self, piece: Piece) -> bool:
        """Whether a condition of the table looks at this very place, and no fact of a person stands there."""
        key = place_key(piece.place)
        own = piece.table_place or without_counts(piece.place)
        return len(piece.text) <= LONGEST_CODE and key not in self.named and own in self.kept

    def _is_kept(self, piece: Piece) -> bool:
        if piece.text.strip() in self.of_sender:
            return True
        return not self.kept.isdisjoint({*places_around(piece.place), *table_places(piece)})

    def _unless_telling(self, word: str) -> str:
        return self.stand_ins.words(word) if word.casefold() in self.telling else word


def _swap(opened: Opened, sources: Sequence[Sourced], stand_ins: StandIns) -> _Swap:
    named: dict[str, dict[str, Fact]] = {}
    kept, telling = set(), set()
    for sourced in sources:
        kept |= set(_kept(sourced))
        for name, fact in sourced.table.facts.declared():
            for text in sourced.source.texts(fact) if fact.places else ():
                named.setdefault(place_key(text.place.text), {})[name] = fact
                if name in _TELLING:
                    telling |= _telling(name, text.text)
    of_sender = frozenset({opened.application, opened.facility, opened.control_id, opened.message_type})
    return _Swap(stand_ins, named, frozenset(kept), of_sender, frozenset(telling))


def _telling(name: str, text: str) -> set[str]:
    """What of a fact must be nowhere any more: its words; of a date all of it; a number also as others may write it."""
    if name == "date_of_birth":
        return {text[:LONGEST_DAY].casefold()}
    whole = [nhs_number.normalise(text), text] if name == "nhs_number" else _WORD.findall(text)
    return {word.casefold() for word in whole if len(word) > 3}


def _kept(sourced: Sourced) -> Iterator[str]:
    """Where the table looks without finding a fact: conditions, and the time of the version."""
    for _, fact in sourced.table.facts.declared():
        yield from (without_counts(place) for place in fact.where)
    try:
        yield place_key(sourced.source.issued(sourced.table)[0].place.text)
    except Reject:
        return


def _left(adapter: Adapter, new: bytes, feeds: Feeds, telling: frozenset[str]) -> list[str]:
    """The places at which a word of the old message's people still stands."""
    return [
        piece.place
        for piece in pieces(adapter, adapter.open(new), feeds)
        if piece.text.casefold() in telling or any(word.casefold() in telling for word in _WORD.findall(piece.text))
    ]
