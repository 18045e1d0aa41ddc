"""From bytes to text: what MSH-18 declares, then UTF-8, then Windows-1252 (wire.md 2). Never fails, loses nothing.

Two declarations are overruled, because the bytes themselves say better:
- a single-byte charset declared, yet the bytes are valid UTF-8 beyond ASCII. Text in a single-byte charset practically
  never forms valid UTF-8 by accident, while a sender that forgets to change MSH-18 is common;
- 8859/1 declared, yet bytes 80-9F occur. They are unused control characters there, and quotation marks in cp1252.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import NamedTuple

# HL7 table 0211 and the spellings seen in the wild, with everything but letters and digits left out.
_NAMES = {
    "ASCII": "ascii",
    "USASCII": "ascii",
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "UNICODEUTF16": "utf-16",
    "UTF16": "utf-16",
    "UNICODEUTF32": "utf-32",
    "UTF32": "utf-32",
    "WINDOWS1252": "cp1252",
    "CP1252": "cp1252",
    "ANSI": "cp1252",
    "LATIN1": "iso-8859-1",
    "GB180302000": "gb18030",
    "BIG5": "big5",
    "KSX1001": "euc_kr",
    "ISOIR87": "iso2022_jp",
    "ISOIR159": "iso2022_jp_1",
}
for _part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15):
    _NAMES[f"8859{_part}"] = _NAMES[f"ISO8859{_part}"] = f"iso-8859-{_part}"

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_MARKS = tuple(mark for mark, _charset in _BOMS)
_WIDE = re.compile(rb"[ \t\r\n]{0,8}(?:(M\0S\0H\0|[FB]\0H\0S\0)|(?:\0M\0S\0H|\0[FB]\0H\0S))")
_HEADER = re.compile(rb"(?:^|[\r\n\x0b])[ \t]*(?:\xef\xbb\xbf)?MSH([^A-Za-z0-9\s])([^\r\n]*)", re.IGNORECASE)
_CONTROLS_OF_LATIN_1 = re.compile(rb"[\x80-\x9f]")
_ASCII_TRANSPARENT = ("ascii", "utf-8", "cp1252", "utf-16", "utf-32")
# Bytes that cp1252 leaves undefined would fail it; Latin-1 gives every byte a character.
_LAST_RESORT = ("utf-8", "cp1252", "iso-8859-1")


class Decoded(NamedTuple):
    """The text of some bytes. `charset` is a Python codec name; `declared` is MSH-18 as written (first repetition);
    `note` is empty unless the charset was not simply what was declared or needed; it never holds a value."""

    text: str
    charset: str
    declared: str = ""
    note: str = ""
    bom: bool = False


def decode(raw: bytes) -> Decoded:
    """Decode a whole frame."""
    if not raw.startswith(_MARKS) and b"\0" not in raw[:16]:
        return _by_declaration(raw)
    for mark, charset in _BOMS:
        if raw.startswith(mark) and (text := _strictly(raw[len(mark) :], charset)) is not None:
            declared = declared_charset(text.encode("utf-8"))
            return Decoded(text, charset, declared, _note(charset, declared, text.isascii()), bom=True)
    if wide := _WIDE.match(raw):
        charset = "utf-16-le" if wide.group(1) else "utf-16-be"
        if (text := _strictly(raw, charset)) is not None:
            return Decoded(text, charset, declared_charset(text.encode("utf-8")), f"charset={charset} without a mark")
    return _by_declaration(raw)


@lru_cache(maxsize=256)
def codec_named(declared: str) -> str:
    """The Python codec of a charset's name in MSH-18; empty if the name is not known."""
    return _NAMES.get("".join(filter(str.isalnum, declared)).upper(), "")


def declared_charset(raw: bytes) -> str:
    """MSH-18 of the first MSH, first repetition, as written; empty if it has none."""
    header = _HEADER.search(raw)
    if header is None:
        return ""
    separator, rest = header.groups()
    fields = rest.split(separator, 17)
    if len(fields) < 17:
        return ""
    repetition = fields[0][1:2] or b"~"
    return fields[16].split(repetition, 1)[0].decode("latin-1").strip()


def _by_declaration(raw: bytes) -> Decoded:
    declared = declared_charset(raw)
    wanted = codec_named(declared) if declared else ""
    if raw.isascii() and (not wanted or wanted.startswith("iso-8859") or wanted in _ASCII_TRANSPARENT):
        charset = "utf-8" if wanted in ("", "utf-16", "utf-32") else wanted
        return Decoded(raw.decode("ascii"), charset, declared, _note(charset, declared, True))
    for charset in (*_declared_first(wanted, raw), *_LAST_RESORT):
        if (text := _strictly(raw, charset)) is not None:
            return Decoded(text, charset, declared, _note(charset, declared, raw.isascii()))
    raise AssertionError("Latin-1 decodes every byte")


def _declared_first(wanted: str, raw: bytes) -> tuple[str, ...]:
    # A header that could be read byte by byte is neither UTF-16 nor UTF-32, whatever it says.
    if not wanted or wanted in ("utf-16", "utf-32"):
        return ()
    single_byte = wanted.startswith("iso-8859") or wanted == "cp1252"
    first = ("utf-8",) if single_byte else ()
    if wanted == "iso-8859-1" and _CONTROLS_OF_LATIN_1.search(raw):
        return (*first, "cp1252", wanted)
    return (*first, wanted)


def _strictly(raw: bytes, charset: str) -> str | None:
    try:
        return raw.decode(charset)
    except UnicodeDecodeError:
        return None


def _note(charset: str, declared: str, is_ascii: bool) -> str:
    if not declared:
        return "" if is_ascii else f"charset={charset} undeclared"
    wanted = codec_named(declared)
    if not wanted:
        # The name itself is not repeated: a header out of step could hold anything there.
        return f"charset={charset} declared by an unknown name"
    if charset == wanted or charset.startswith(f"{wanted}-"):
        return ""
    return f"charset={charset} declared {declared}"
