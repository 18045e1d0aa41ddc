"""HL7 v2 escape sequences (chapter 2.7): read without ever losing a character, written so that a reader gets it back.

| sequence | becomes |
| --- | --- |
| `\\F\\ \\S\\ \\T\\ \\R\\ \\E\\` | the field, component, sub-component, repetition separator, the escape character |
| `\\P\\` | the truncation character, where MSH-2 states one |
| `\\.br\\` | a line break |
| `\\H\\ \\N\\` | nothing: highlighting on and off |
| `\\Xhh..\\` | the bytes, by the message's charset; kept as it stands where they are no text in it |
| `\\Z..\\ \\C..\\ \\M..\\`, other formatting commands | kept as they stand |
| any other escape character | itself |
"""

from __future__ import annotations

import re
from functools import lru_cache

from hub.formats.hl7v2.delimiters import Delimiters

_SEQUENCES = (
    r"(?P<one>[FSTREPHN])|(?P<line>\.br|\.BR)|X(?P<hex>(?:[0-9A-Fa-f]{2})+)"
    r"|\.[a-z]{2}[+-]?[0-9]{0,4}|Z[0-9A-Za-z]{0,30}|C[0-9A-Fa-f]{4}|M[0-9A-Fa-f]{4}(?:[0-9A-Fa-f]{2})?"
)


@lru_cache(maxsize=64)
def _pattern(escape: str) -> re.Pattern[str]:
    edge = re.escape(escape)
    return re.compile(f"{edge}(?:{_SEQUENCES}){edge}")


@lru_cache(maxsize=256)
def _characters(delimiters: Delimiters) -> dict[str, str]:
    return {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        "H": "",
        "N": "",
    } | ({"P": delimiters.truncation} if delimiters.truncation else {})


def unescape(text: str, delimiters: Delimiters, charset: str = "utf-8") -> str:
    """The text a sender meant. Whatever is not a known sequence stays as it stands, stray escape characters too."""
    if delimiters.escape not in text:
        return text
    characters = _characters(delimiters)

    def meaning(found: re.Match[str]) -> str:
        if one := found["one"]:
            return characters.get(one, found[0])
        if found["line"]:
            return "\n"
        return _decoded(found["hex"], charset, found[0]) if found["hex"] else found[0]

    return _pattern(delimiters.escape).sub(meaning, text)


def _decoded(digits: str, charset: str, otherwise: str) -> str:
    try:
        return bytes.fromhex(digits).decode(charset)
    except UnicodeDecodeError:
        return otherwise


@lru_cache(maxsize=256)
def _replacements(delimiters: Delimiters) -> dict[int, str]:
    edge = delimiters.escape
    letters = {character: letter for letter, character in _characters(delimiters).items() if character}
    table = {ord(character): f"{edge}{letter}{edge}" for character, letter in letters.items()}
    return _control_replacements(edge) | table


@lru_cache(maxsize=64)
def _control_replacements(edge: str) -> dict[int, str]:
    controls = {code: f"{edge}X{code:02X}{edge}" for code in (*range(0x20), 0x7F)}
    return controls | {ord("\r"): f"{edge}.br{edge}", ord("\n"): f"{edge}.br{edge}"}


def escape(text: str, delimiters: Delimiters) -> str:
    """Text made fit to stand in one component. Control characters would end segments and frames: they are written
    as line breaks or in hexadecimal."""
    return text.translate(_replacements(delimiters))


def without_controls(raw: str, delimiters: Delimiters) -> str:
    """A field quoted as it was sent, delimiters and escapes untouched, but unable to end a segment or a frame."""
    return raw.translate(_control_replacements(delimiters.escape))
