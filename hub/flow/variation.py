"""Variation: a golden example told anew, of other people, as another message of its sender on another day.

`hub.flow.redaction` hides who was in a message; here whoever is wanted stands in it. Both write a message again by what
its table reads. New are the people, slide numbers, the message's own name and number, the day it was sent, and the days
it speaks of (moved by as many as lie between the example's receipt and now); everything else stays as it is, so the hub
must say the same of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from hub.contract import Adapter, Item, Piece, Sourced, sequence_of
from hub.domain import nhs_number
from hub.domain.events import ResultReported, Version
from hub.domain.people import Participant
from hub.errors import Reject
from hub.flow.conformance import conformance, place_key, places_around
from hub.flow.stand_ins import StandIns, with_day, written
from hub.mapping import Feeds
from hub.mapping.forms import read_sequence
from hub.mapping.reading import DATES

MISSING, WRONG_CHECK_DIGIT, BAD_DATE, UNKNOWN_CODE = "missing field", "wrong check digit", "bad date", "unknown code"
UNKNOWN = "?"
"""No laboratory's code."""
_OF_WHOM = ("nhs_number", "local_id", "family_name", "given_names", "former_family_names", "date_of_birth",
            "address_lines", "postcode")  # fmt: skip
_CODES = ("result_code", "infection_code", "action_code")
_DAYS = DATES - {"date_of_birth"} | {"authorised_at"}
_SPOILT = {MISSING: {"nhs_number"}, WRONG_CHECK_DIGIT: {"nhs_number"}, BAD_DATE: _DAYS, UNKNOWN_CODE: set(_CODES)}
_COUNTED = re.compile(r"([0-9]+)([^0-9]*)$")
_UUID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-)[0-9a-f]{12}", re.IGNORECASE)
_SHORT_DAY = "YYMMDD"
_NUMBER_DIGITS = 6

_Key = tuple[str, str]
"""A place and the text there: in several messages of one file the same place may hold different texts."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What a text is: the `number`-th of the texts of a fact, of the `person`-th person."""

    fact: str
    number: int
    person: int


@dataclass(frozen=True, slots=True, repr=False)
class Anew:
    """How an example is told anew: of these people, its slides and itself counted from these numbers, sent on this day.
    `mistake` is one of this module's, or empty; `secret` decides what is made up of whom nobody knows."""

    people: Sequence[Participant]
    slide: int
    number: int
    on: date
    secret: bytes
    mistake: str = ""


@dataclass(repr=False, eq=False)
class Example:
    """A message that the hub takes, read once. Raises nothing; of what cannot be read there are no `people`."""

    adapter: Adapter
    feeds: Feeds
    raw: bytes
    received_on: date
    slides: list[str] = field(default_factory=list)
    people: int = 0
    _parts: dict[_Key, _Part] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._opened = self.adapter.open(self.raw)
        sources = self.adapter.sources(self._opened, self.feeds)
        reading = self.adapter.decode(self._opened, self.feeds, self.received_on)
        withdrawn = {item.position for item in reading.items if _is_withdrawn(item)}
        for sourced in sources:
            self._look_at(sourced, () if sourced.position in withdrawn else _CODES)
        self._sequence = sequence_of(self._opened, reading, sources[0].table if sources else None, "")

    @property
    def mistakes(self) -> list[str]:
        """Those that can be made in it."""
        facts = {part.fact for part in self._parts.values()}
        return [mistake for mistake, of in _SPOILT.items() if facts & of]

    @property
    def is_named(self) -> bool:
        """Whether it has a name or number of its own."""
        return bool(self._opened.control_id) or self.is_numbered

    @property
    def is_numbered(self) -> bool:
        """Whether it is a file with a number of its own, among which a gap would be told."""
        return self._sequence is not None

    def told(self, anew: Anew) -> bytes:
        """Its bytes, told anew. Raises UnicodeEncodeError where its charset lacks a letter of the people's names."""
        days = anew.on - self.received_on
        change = _Change(self._parts, self._names(anew), self._sequence, self._opened.sent, days, anew)
        return self.adapter.rewritten(self._opened, self.feeds, change.text)

    def is_right(self, raw: bytes, on: date) -> bool:
        """Whether the hub takes this telling of it whole, as a result or discharge."""
        return self._opened.rewritable and self.people > 0 and conformance(self.adapter, raw, self.feeds, on).is_right

    def _look_at(self, sourced: Sourced, codes: Sequence[str]) -> None:
        """Who a text is of is told by what she shares with an earlier result of the message: the same text at the same
        place. `codes` are the facts of which codes are read."""
        found = {key: told for key, told in _texts(sourced) if told[0] not in _CODES or told[0] in codes}
        mine = [key for key, (fact, _) in found.items() if fact in _OF_WHOM]
        person = next((self._parts[key].person for key in mine if key in self._parts), self.people)
        self.people = max(self.people, person + 1)
        for key, (fact, number) in found.items():
            self._parts.setdefault(key, _Part(fact, number, person))
            if fact == "slide_number" and key[1] not in self.slides:
                self.slides.append(key[1])

    def _names(self, anew: Anew) -> dict[str, str]:
        """What is called by it: wherever the whole of such a text stands, the new one stands."""
        names = {slide: counted(slide, anew.slide + number) for number, slide in enumerate(self.slides)}
        if own := self._opened.control_id:
            names[own] = named(own, anew.number)
        return names


@dataclass(frozen=True, slots=True, repr=False)
class _Change:
    """How each text of an example is changed. `names` have new ones, `sequence` is the number of the file, `sent` when
    it says it was sent, `days` by how many its days are moved."""

    parts: Mapping[_Key, _Part]
    names: Mapping[str, str]
    sequence: int | None
    sent: str
    days: timedelta
    anew: Anew

    def text(self, piece: Piece) -> str:
        text = piece.text.strip()
        part = next((self.parts[key] for key in self._keys(piece) if key in self.parts), None)
        if part is not None:
            return piece.text.replace(text, self._spoilt(part, text, self._of_fact(part, text)))
        if text in self.names:
            return piece.text.replace(text, self.names[text])
        if self.sequence is not None and piece.is_code and read_sequence(text) == self.sequence:
            return str(self.anew.number).zfill(max(len(text), _NUMBER_DIGITS))
        return self._sent_now(piece)

    @staticmethod
    def _keys(piece: Piece) -> Iterator[_Key]:
        return ((place, piece.text.strip()) for place in places_around(piece.place))

    def _of_fact(self, part: _Part, text: str) -> str:
        if part.fact in _DAYS:
            return with_day(text, lambda day, form: written(day + self.days, form)) or text
        if part.fact == "slide_number":
            return self.names[text]
        return self._of_person(part, text) if part.fact in _OF_WHOM else text

    def _of_person(self, part: _Part, text: str) -> str:
        """What the person has in the place of this text; made up where she has nothing."""
        person, made = self.anew.people[part.person], StandIns(self.anew.secret)
        if part.fact == "nhs_number":
            return laid_out(person.nhs_number, text)
        if part.fact == "date_of_birth":
            return with_day(text, lambda _, form: written(person.date_of_birth, form)) or text
        if part.fact == "local_id":
            return made.digits(text)
        has = getattr(person, part.fact) or ()
        has = (has,) if isinstance(has, str) else has
        return has[part.number] if part.number < len(has) else made.words(text)

    def _spoilt(self, part: _Part, old: str, new: str) -> str:
        """With the mistake that is to be in it."""
        if part.fact not in _SPOILT.get(self.anew.mistake, ()):
            return new
        if self.anew.mistake == MISSING:
            return ""
        if self.anew.mistake == WRONG_CHECK_DIGIT:
            return new[:-1] + str((int(new[-1]) + 1) % 10)
        if self.anew.mistake == BAD_DATE:
            return with_day(new, lambda day, form: written(day, form.replace("%m", "13"))) or UNKNOWN
        return UNKNOWN * len(old)

    def _sent_now(self, piece: Piece) -> str:
        """When it was sent, in full or (as EDIFACT has it) as a day without its century."""
        now = with_day(self.sent, lambda _, form: written(self.anew.on, form)) or self.sent
        if piece.text == self.sent:
            return now
        is_short = piece.is_code and len(piece.text) == len(_SHORT_DAY)
        return now[2:8] if is_short and piece.text == self.sent[2:8] else piece.text


def _is_withdrawn(item: Item) -> bool:
    return isinstance(item.outcome, ResultReported) and item.outcome.result.version is Version.WITHDRAWN


def counted(text: str, number: int, digits: int = 0) -> str:
    """The text with its last number another one, of as many digits (or of `digits`, if those are more)."""

    def other(found: re.Match[str]) -> str:
        width = max(len(found[1]), digits)
        return str(number % 10**width).zfill(width) + found[2]

    return _COUNTED.sub(other, text)


def named(text: str, number: int) -> str:
    """A message's name with another number in it; a UUID stays one."""
    if _UUID.search(text):
        return _UUID.sub(lambda found: f"{found[1]}{number % 10**12:012}", text)
    return counted(text, number, _NUMBER_DIGITS)


def laid_out(number: str, text: str) -> str:
    """An NHS number written as the one in the text is."""
    if not re.fullmatch(r"[0-9]{10}", nhs_number.normalise(text)):
        return number
    digits = iter(number)
    return "".join(next(digits) if character.isdigit() else character for character in text)


def _texts(sourced: Sourced) -> Iterator[tuple[_Key, tuple[str, int]]]:
    """Where each fact stands, and which of its texts it is; and when the version was issued."""
    for name, fact in sourced.table.facts.declared():
        for number, text in enumerate(sourced.source.texts(fact) if fact.places else ()):
            yield (place_key(text.place.text), text.text), (name, number)
    try:
        text, _ = sourced.source.issued(sourced.table)
    except Reject:
        return
    yield (place_key(text.place.text), text.text), ("authorised_at", 0)
