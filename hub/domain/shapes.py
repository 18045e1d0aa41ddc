"""The shape of a text: what kind of character stands where, and none of the characters. It may be shown to anybody."""

from __future__ import annotations

LONGEST = 40


def shape(text: str) -> str:
    """`Aaaaaa-Aaaa` of a name, `999 999 9999` of a number, `99/99/9999` of a date; a long text is cut."""
    whole = "".join(map(_kind, text[: LONGEST + 1]))
    return whole if len(whole) <= LONGEST else f"{whole[:LONGEST]}..."


def _kind(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character if character.isascii() and character.isprintable() else "?"
