"""From the bytes of a file to text, where no header of ours says how: a byte order mark, what is declared, UTF-8, and
at last Windows-1252. Never fails. (HL7 has rules of its own: `hub.formats.hl7v2.charset`.)
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CONTROLS_OF_LATIN_1 = re.compile(rb"[\x80-\x9f]")


class Decoded(NamedTuple):
    """The text, without a byte order mark, and the charset it was read by. `note` is empty unless that is worth
    keeping; it never holds a value. The first bytes of a character that was cut at the very end are left out."""

    text: str
    charset: str
    note: str = ""


def decode(raw: bytes, declared: str = "") -> Decoded:
    """Read `raw`; `declared` is a Python codec name. A single-byte charset is overruled by bytes that are UTF-8, for
    such text practically never forms it by accident."""
    for mark, codec in _MARKS:
        if raw.startswith(mark) and (text := _strictly(raw, codec)) is not None:
            charset = codec.removesuffix("-sig")
            return Decoded(text, charset, f"charset={charset} by its mark")
    if raw.isascii():
        return Decoded(raw.decode("ascii"), declared or "utf-8")
    for charset in _candidates(raw, declared):
        if (text := _strictly(raw, charset)) is not None:
            return Decoded(text, charset, _note(charset, declared))
    raise AssertionError("Latin-1 decodes every byte")


def _candidates(raw: bytes, declared: str) -> tuple[str, ...]:
    if not declared or declared in ("utf-8", "ascii"):
        return ("utf-8", "cp1252", "iso-8859-1")
    if declared == "iso-8859-1" and _CONTROLS_OF_LATIN_1.search(raw):
        return ("utf-8", "cp1252", declared)
    return ("utf-8", declared, "iso-8859-1")


def _note(charset: str, declared: str) -> str:
    if charset == (declared or "utf-8"):
        return ""
    return f"charset={charset} declared {declared}" if declared else f"charset={charset} undeclared"


def _strictly(raw: bytes, charset: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(charset)("strict").decode(raw, final=False)
    except UnicodeError:
        return None
