"""Names compared as people write them: case, accents, hyphens and apostrophes do not make another name.

Pure text work; nothing here decides who a person is. The functions are cached because the same names come again and
again; the caches are bounded.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import lru_cache

from rapidfuzz.distance import OSA, JaroWinkler

from hub.domain.given_names import FULL_NAMES, SPELLING_OF

_CACHE = 32_768
# Letters that Unicode does not take apart into a base letter and an accent.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th", "ß": "ss"}
)
# How a sender without these letters writes them: Müller as Mueller, Ørsted as Oersted.
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘`´ʼʻ′"))
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(_CACHE)
def words(text: str) -> tuple[str, ...]:
    """The words of a name, folded: `Anne-Marie` → `anne`, `marie`; an apostrophe does not part a word."""
    plain = text.casefold().translate(_APOSTROPHES).translate(_LETTERS)
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c)).translate(
            _LETTERS
        )
    return tuple(_WORD.findall(plain))


@lru_cache(_CACHE)
def fold(text: str) -> str:
    """The letters of a name and nothing else: `O’Brien`, `O Brien` and `OBRIEN` → `obrien`; `""` if none."""
    return "".join(words(text))


@lru_cache(_CACHE)
def spellings(text: str) -> frozenset[str]:
    """The folded forms that count as this very name: `Müller` → `muller`, `mueller`."""
    composed = unicodedata.normalize("NFC", text.casefold())
    return frozenset(form for form in (fold(text), fold(composed.translate(_WRITTEN_OUT))) if form)


@lru_cache(_CACHE)
def given_words(given_names: tuple[str, ...]) -> tuple[str, ...]:
    """All words of the given names in their order, folded."""
    return tuple(word for name in given_names for word in words(name))


_SOUND = str.maketrans({letter: digit for group, digit in (
    ("bfpv", "1"), ("cgjkqsxz", "2"), ("dt", "3"), ("l", "4"), ("mn", "5"), ("r", "6"), ("aeiouhwy", "")
) for letter in group})  # fmt: skip
_BEGINNINGS = (("mac", "mc"), ("ph", "f"), ("kn", "n"), ("wr", "r"), ("c", "k"), ("q", "k"), ("z", "s"), ("y", "i"))


@lru_cache(_CACHE)
def skeleton(folded: str) -> str:
    """A coarse key under which near spellings meet: first sound, then up to four consonant groups (Soundex)."""
    for written, spoken in _BEGINNINGS:
        if folded.startswith(written):
            folded = spoken + folded[len(written) :]
            break
    coded = folded[1:].translate(_SOUND)
    return folded[:1] + re.sub(r"(.)\1+", r"\1", coded)[:4]


def one_slip(first: str, second: str) -> bool:
    """Whether one letter or digit was mistyped, left out, added, or two neighbours were transposed."""
    return OSA.distance(first, second, score_cutoff=1) <= 1


@lru_cache(_CACHE)
def near(first: str, second: str) -> bool:
    """Whether two folded names could be one name written wrongly or heard wrongly."""
    if one_slip(first, second):
        return True
    if min(len(first), len(second)) < 3:
        return False
    return JaroWinkler.similarity(first, second) >= 0.9 or skeleton(first) == skeleton(second)


class Given(Enum):
    """How the given names of a claim stand to those on record."""

    SAME = "same"
    FURTHER = "further"  # the first name is the same, but the claim has a further one that is not on record
    VARIANT = "variant"  # a short form or another spelling of the same name, or of a further one
    INITIAL = "initial"
    MIDDLE_DIFFERS = "middle differs"
    MIDDLE_USED = "middle used"  # one side goes by what is a middle name on the other
    NEAR = "near"
    DIFFERENT = "different"
    MISSING = "missing"


@lru_cache(_CACHE)
def compare_given(claimed: tuple[str, ...], known: tuple[str, ...]) -> Given:
    """How given names stand to each other. Both are folded words, the first name first."""
    if not claimed or not known:
        return Given.MISSING
    if "".join(claimed) == "".join(known) or (len(claimed) > 1 and sorted(claimed) == sorted(known)):
        return Given.INITIAL if len(claimed[0]) == 1 else Given.SAME
    first = _compare_first(claimed, known)
    if first not in (Given.SAME, Given.VARIANT, Given.INITIAL):
        return first
    further = {_find(word, known[1:]) for word in claimed[1:]}
    if Given.DIFFERENT in further:
        one_more = first is Given.SAME and (not known[1:] or len(further) > 1)
        return Given.FURTHER if one_more else Given.MIDDLE_DIFFERS
    return Given.VARIANT if Given.VARIANT in further and first is Given.SAME else first


def _compare_first(claimed: tuple[str, ...], known: tuple[str, ...]) -> Given:
    one, other = claimed[0], known[0]
    if len(one) == 1 or len(other) == 1:
        return Given.INITIAL if one[0] == other[0] else Given.DIFFERENT
    if one == other or one == "".join(known[:2]) or other == "".join(claimed[:2]):
        return Given.SAME
    if is_variant(one, other):
        return Given.VARIANT
    if one in known or other in claimed:
        return Given.MIDDLE_USED
    return Given.NEAR if near(one, other) or _is_cut_short(one, other) else Given.DIFFERENT


def _is_cut_short(one: str, other: str) -> bool:
    return min(len(one), len(other)) >= 2 and (one.startswith(other) or other.startswith(one))


def _find(word: str, known: tuple[str, ...]) -> Given:
    """Whether a further given name is among those on record: itself or as an initial, in a like form, or not at all."""
    if any(word == other or (1 in (len(word), len(other)) and word[0] == other[0]) for other in known):
        return Given.SAME
    like = any(is_variant(word, other) or one_slip(word, other) for other in known)
    return Given.VARIANT if like else Given.DIFFERENT


@lru_cache(_CACHE)
def is_variant(one: str, other: str) -> bool:
    """Whether two folded given names are known forms of one name: short and full, or two spellings.

    Two short forms of one name (Liz, Beth) and two names with one short form (Christine, Christina) are not.
    """
    one, other = _usual(one), _usual(other)
    return one == other or other in FULL_NAMES.get(one, ()) or one in FULL_NAMES.get(other, ())


def _usual(name: str) -> str:
    plain = re.sub(r"(.)\1", r"\1", name).replace("ph", "f")
    return SPELLING_OF.get(name) or SPELLING_OF.get(plain) or plain
