"""How a message loses a part, and which of its words are a person's: by dialect, for the promises that must hold then.

A dialect of lines and separators needs nothing here: it is taken apart at its lines and at the usual separators.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from xml.etree import ElementTree

from hub.formats import xlsx

Parts = Iterator[tuple[str, bytes]]

# Segment terminators differ, so a line is a segment with its end.
_LINES = re.compile(rb"[^\r\n]+(?:\r\n|\r|\n|$)")


def hl7_parts(raw: bytes) -> Parts:
    """The message with one field emptied, one component emptied, one field taken out, or one segment taken out."""
    lines = [(found.start(), found[0]) for found in _LINES.finditer(raw)]
    separator = raw[3:4]
    for start, line in lines:
        end = start + len(line)
        yield f"without {line[:3]!r}", raw[:start] + raw[end:]
        body = line.rstrip(b"\r\n")
        pieces = body.split(separator)
        for index in range(1, len(pieces)):
            for name, changed in _changed(pieces, index):
                yield (
                    f"{line[:3]!r}-{index} {name}",
                    raw[:start] + separator.join(changed) + line[len(body) :] + raw[end:],
                )


def _changed(pieces: list[bytes], index: int) -> Iterator[tuple[str, list[bytes]]]:
    if not pieces[index]:
        return
    yield "emptied", [*pieces[:index], b"", *pieces[index + 1 :]]
    yield "taken out", [*pieces[:index], *pieces[index + 1 :]]
    components = pieces[index].split(b"^")
    for number in range(len(components) if len(components) > 1 else 0):
        emptied = b"^".join([*components[:number], b"", *components[number + 1 :]])
        yield f"component {number + 1} emptied", [*pieces[:index], emptied, *pieces[index + 1 :]]


_SEPARATOR = re.compile(rb"[|,;\t+:'^~]")


def text_parts(raw: bytes, separators: re.Pattern[bytes] = _SEPARATOR) -> Parts:
    """The message with one line taken out, or one piece between separators emptied, or taken out with its separator."""
    for line in _LINES.finditer(raw):
        yield f"without line {line.start()}", raw[: line.start()] + raw[line.end() :]
        start = line.start()
        for separator in [*separators.finditer(line[0].rstrip(b"\r\n")), None]:
            end = line.start() + (separator.start() if separator else len(line[0].rstrip(b"\r\n")))
            if raw[start:end].strip():
                yield f"{start} emptied", raw[:start] + raw[end:]
            if separator:
                yield f"{start} taken out", raw[:start] + raw[end + 1 :]
                start = end + 1


def fhir_parts(raw: bytes) -> Parts:
    """The Bundle without one of its elements, or with one value emptied."""
    return _xml_parts(raw) if raw.startswith(b"<") else _json_parts(raw)


def _json_parts(raw: bytes) -> Parts:
    tree = json.loads(raw)
    left = [tree]
    while left:
        node = left.pop()
        names = list(node) if isinstance(node, dict) else list(range(len(node)))
        for name in names:
            kept = node[name]
            if isinstance(kept, str):
                node[name] = ""
                yield f"{name} emptied", json.dumps(tree).encode()
            elif isinstance(kept, dict | list):
                left.append(kept)
            del node[name]
            yield f"without {name}", json.dumps(tree).encode()
            if isinstance(node, dict):
                node[name] = kept
            else:
                node.insert(name, kept)


def _xml_parts(raw: bytes) -> Parts:
    tree = ElementTree.fromstring(raw)
    for node in tree.iter():
        if text := node.attrib.get("value"):
            node.attrib["value"] = ""
            yield f"{node.tag} emptied", ElementTree.tostring(tree)
            del node.attrib["value"]
            yield f"{node.tag} without its value", ElementTree.tostring(tree)
            node.attrib["value"] = text
        for at, child in enumerate(list(node)):
            node.remove(child)
            yield f"without {child.tag}", ElementTree.tostring(tree)
            node.insert(at, child)


_OF_ROWS = re.compile(rb"[|,;\t:/-]")
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def list_parts(raw: bytes) -> Parts:
    """A list as rows, or as a workbook: without one of the parts of its package, without one row, cell or value."""
    if not raw.startswith(b"PK"):
        yield from text_parts(raw, _OF_ROWS)
        return
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        package = {name: archive.read(name) for name in archive.namelist()}
    for name in package:
        yield f"without {name}", packed({other: data for other, data in package.items() if other != name})
    for name in [name for name in package if name.startswith("xl/worksheets/sheet")]:
        for what, data in _sheet_parts(package[name]):
            yield f"{name} {what}", packed({**package, name: data})


def packed(package: dict[str, bytes]) -> bytes:
    """The package as one file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in package.items():
            archive.writestr(name, data)
    return made.getvalue()


def _sheet_parts(xml: bytes) -> Parts:
    tree = ElementTree.fromstring(xml)
    for above in [*tree.iter(f"{_SHEET}sheetData"), *tree.iter(f"{_SHEET}row"), *tree.iter(f"{_SHEET}c")]:
        for at, child in enumerate(list(above)):
            above.remove(child)
            yield f"without {child.tag} {at}", ElementTree.tostring(tree)
            above.insert(at, child)


# Marks that stand for themselves are no separators: the apostrophe of a name, what a release character precedes.
_PARTS: dict[str, Callable[[bytes], Parts]] = {
    "hl7v2_oru": hl7_parts,
    "fhir_discharge": fhir_parts,
    "fhir_report": fhir_parts,
    "colposcopy_discharge": list_parts,
    "delimited_results": partial(text_parts, separators=_OF_ROWS),
    "edifact_results": partial(text_parts, separators=re.compile(rb"(?<![?!])[+:'^*~]")),
}


def parts_of(dialect: str, raw: bytes) -> Parts:
    """The message again and again, each time without one part; `taken out` in its name: the others moved up."""
    return _PARTS.get(dialect, text_parts)(raw)


_WORDS = re.compile(rb"[0-9]{6,}|[A-Z][a-z]{4,}")


def _hl7_words(raw: bytes) -> Iterator[bytes]:
    return iter(raw.split(b"\rPID")[1:])


_OF_A_PERSON = re.compile(
    rb"""["<](?:family|given|line|city|district|postalCode|value|birthDate)"?\s*(?::|value=)\s*(?:\[\s*)?"([^"]*)\""""
)


def _fhir_words(raw: bytes) -> Iterator[bytes]:
    return (found[1] for found in _OF_A_PERSON.finditer(raw))


def _rows(raw: bytes) -> Iterator[bytes]:
    """Without the opening record and the names of the columns, which our table knows."""
    return iter(raw.splitlines()[2:])


def _listed(raw: bytes) -> Iterator[bytes]:
    """Without the names of the columns, which our table knows."""
    if not raw.startswith(b"PK"):
        yield from raw.splitlines()[1:]
        return
    for sheet in xlsx.read(raw).sheets.values():
        yield from (" ".join(row.texts).encode() for row in sheet[1:])


_PRIVATE: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "hl7v2_oru": _hl7_words,
    "fhir_discharge": _fhir_words,
    "fhir_report": _fhir_words,
    "colposcopy_discharge": _listed,
    "delimited_results": _rows,
}


def private_words(dialect: str, raw: bytes) -> list[str]:
    """Numbers and names of the message that no hint, place or log line may repeat."""
    texts = _PRIVATE.get(dialect, lambda whole: iter([whole]))(raw)
    return [word.decode() for text in texts for word in _WORDS.findall(text)]
