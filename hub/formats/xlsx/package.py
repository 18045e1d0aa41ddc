"""The parts of an Office package (a ZIP archive), looked at before anything reads them.

A small archive may unfold to more than a machine holds, and a small XML document too, by its entities. Neither gets as
far as the library that reads workbooks: it is given a package made anew of the parts that were looked at here.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

MOST_PACKED = 10_000_000
"""Bytes of the file as it comes."""
MOST_UNPACKED = 20_000_000
"""Bytes of its XML in all: three times what the longest list takes."""
MOST_PARTS = 500

_ENTRY = b"PK\x01\x02"
# A document type, where entities are declared. Office writes none.
_DECLARATION = re.compile(rb"<!(?!--|\[CDATA\[)")
_CHARSET = re.compile(rb"""^\s*<\?xml[^>]*\bencoding\s*=\s*["']([^"']*)""")
_MARK = b"\xef\xbb\xbf"


class TooLarge(Exception):
    """It unfolds to more than is taken."""


# What zipfile says of bytes that are not as they should be. RuntimeError: a password is asked for; NotImplementedError
# (one of its kind): packed in a way that Python does not know; ValueError and OSError: places outside the file.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)


class NoPackage(Exception):
    """It is no such package, or a damaged one."""


def looked_at(raw: bytes) -> io.BytesIO:
    """The package again, with nothing in it but plain XML. Raises TooLarge and NoPackage."""
    if len(raw) > MOST_PACKED or raw.count(_ENTRY) > MOST_PARTS:
        raise TooLarge
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = _parts(archive)
    except _DAMAGED:
        raise NoPackage from None
    return _packed(parts)


def _parts(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """The XML by its name. The sizes are as the archive says; more than it says is never unfolded."""
    entries = [entry for entry in archive.infolist() if entry.filename.endswith((".xml", ".rels"))]
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise TooLarge
    parts: dict[str, bytes] = {}
    for entry in entries:
        if entry.filename in parts:
            raise NoPackage  # two parts of one name: each reader would choose another
        with archive.open(entry) as part:  # `archive.read` would unfold it all, and only then look at the size
            parts[entry.filename] = _plain(part.read(entry.file_size + 1))
    return parts


def _plain(xml: bytes) -> bytes:
    """XML in UTF-8 without declarations. Raises NoPackage for any other."""
    charset = _CHARSET.match(xml.removeprefix(_MARK))
    if (charset and charset[1].upper() != b"UTF-8") or b"\x00" in xml or _DECLARATION.search(xml):
        raise NoPackage
    return xml


def _packed(parts: dict[str, bytes]) -> io.BytesIO:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        for name, xml in parts.items():
            archive.writestr(name, xml)
    package.seek(0)
    return package
