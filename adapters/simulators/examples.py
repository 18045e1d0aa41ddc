"""A sender that tells golden examples anew: for feeds of any language, by what their table reads of them.

What the feed's adapter and table make of an example is all that is known of its language, so a feed that was made a
minute ago can be simulated too. The same seed, the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

from adapters.simulators.traffic import DUPLICATE_CONTROL_ID, RESEND, RIGHT, Planned, planned
from hub.contract import Adapter
from hub.domain.people import Participant
from hub.errors import CannotRun
from hub.flow.variation import Anew, Example, counted
from hub.mapping import Feeds

CUT_OFF = "cut off"
EXPECTED = ".expected.json"
NUMBERS_OF_A_SEED = 10_000
"""So many messages and slides have numbers that the next seed does not give."""
_DRAWINGS = 50


def golden_examples(directory: Path, adapter: Adapter, feeds: Feeds, on: date) -> list[Example]:
    """The messages of the directory, in the order of their names. Each was received on the day its expectation says;
    one that has none counts as of the day `on`."""
    files = sorted(path for path in directory.glob("*") if path.is_file() and not path.name.endswith(EXPECTED))
    return [Example(adapter, feeds, path.read_bytes(), _received_on(path) or on) for path in files]


def _received_on(example: Path) -> date | None:
    try:
        said = json.loads(example.with_name(f"{example.stem}{EXPECTED}").read_bytes())
        return date.fromisoformat(said["received_on"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def varied(
    feed: str,
    examples: Sequence[Example],
    people: Sequence[Participant],
    seed: int,
    errors: float,
    on: date,
    name: str = "",
) -> Iterator[Planned]:
    """Those of the examples that the hub takes, told anew without end, as if sent on the day `on`. `errors` is the
    share with a mistake, 0 to 1; `name` is what one of its files is called: the last number in it counts up. Raises
    CannotRun where the hub takes none."""
    sender = _Sender(feed, examples, people, Random(f"varied {feed} {seed}"), on, seed * NUMBERS_OF_A_SEED, name)
    sender.keep_those_taken()
    return planned(sender.random, errors, sender.mistakes(), sender.message)


@dataclass(slots=True)
class _Sender:
    """`first` is the number before that of its first message, and of its first file that has a number."""

    feed: str
    examples: Sequence[Example]
    people: Sequence[Participant]
    random: Random
    on: date
    first: int
    name: str
    slides: int = 0
    files: int = 0

    def keep_those_taken(self) -> None:
        tried = [each for each in self.examples if each.people and self._is_taken(each)]
        if not tried:
            raise CannotRun(
                f"None of the {len(self.examples)} examples of {self.feed} would be taken today, told of others. "
                f"`hub check FILE --feed {self.feed}` says why; `hub new {self.feed} --sample FILE --case SENTENCE` "
                "adds one."
            )
        self.examples, self.slides = tried, 0

    def _is_taken(self, example: Example) -> bool:
        return example.is_right(self._told(example, RIGHT, 1), self.on)

    def mistakes(self) -> list[str]:
        """What can be wrong with any of the examples, and with the bytes of any language."""
        kinds = {mistake for example in self.examples for mistake in example.mistakes}
        named = {DUPLICATE_CONTROL_ID} if any(example.is_named for example in self.examples) else set()
        return sorted({*kinds, *named, CUT_OFF, RESEND})

    def message(self, kind: str, number: int) -> Planned:
        example = self.random.choice([each for each in self.examples if _can_be(kind, each)])
        raw = self._told(example, kind, self._number(example, kind, number))
        if kind == CUT_OFF:  # in its second half, so that it still names its sender
            raw = raw[: int(len(raw) * self.random.uniform(0.5, 0.95))]
        return Planned(raw, kind, counted(self.name, self.first + number))

    def _number(self, example: Example, kind: str, number: int) -> int:
        """Files are numbered without a gap, or one would seem to be missing."""
        is_new = kind != DUPLICATE_CONTROL_ID
        if not example.is_numbered:
            return number if is_new else number - 1
        self.files += is_new
        return self.files

    def _told(self, example: Example, kind: str, number: int) -> bytes:
        """The example told of others, until all of their names can be written in its charset."""
        for _ in range(_DRAWINGS):
            people = self.random.choices(self.people, k=example.people)
            anew = Anew(people, self.first + self.slides, self.first + number, self.on, self.random.randbytes(16), kind)
            try:
                raw = example.told(anew)
            except UnicodeEncodeError:
                continue
            self.slides += len(example.slides)
            return raw
        raise CannotRun("The charset of the examples lacks letters of nearly all these people's names.")


def _can_be(kind: str, example: Example) -> bool:
    if kind == DUPLICATE_CONTROL_ID:
        return example.is_named
    return kind in (RIGHT, RESEND, CUT_OFF) or kind in example.mistakes
