"""FHIR as XML: text to the tree that the same resource has as JSON. Comments and processing instructions are passed by.

A document type declaration is refused, and with it every entity: what a message says stands in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from xml.parsers import expat

from hub.errors import Reason
from hub.formats.fhir.finding import Steps, Unreadable
from hub.formats.fhir.json_form import MOST_ELEMENTS
from hub.formats.fhir.model import Element, elements, is_resource

_FHIR, _XHTML, _SCHEMA = "http://hl7.org/fhir ", "http://www.w3.org/1999/xhtml ", "http://www.w3.org/2001/XMLSchema-"
_ATTRIBUTES = {"value", "id", "url"}
_NARRATIVE = '<div xmlns="http://www.w3.org/1999/xhtml">text</div>'  # nothing is ever read from it
_WHOLE = {"integer", "positiveInt", "unsignedInt"}
MOST_DEEP = 64
_CUT = {
    expat.errors.codes[name] for name in (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN)
}


@dataclass(slots=True)
class _Tag:
    """An element as it stands in the text."""

    name: str
    attributes: dict[str, str]
    children: list[_Tag] = field(default_factory=list)


def tree_of_xml(text: str) -> Any:
    """The tree. Raises Unreadable."""
    return _resource(_Reader().read(text), ())


class _Reader:
    """Reads the tags, as deep and as many as they may be."""

    def __init__(self) -> None:
        self._open: list[_Tag] = [_Tag("", {})]
        self._count = 0
        self._narrative = 0  # how deep within a narrative's div

    def read(self, text: str) -> _Tag:
        parser = expat.ParserCreate("utf-8", " ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _no_doctype
        try:
            parser.Parse(text.encode(), True)
        except expat.ExpatError as wrong:
            if wrong.code in _CUT:
                raise Unreadable("The XML ends too early.", reason=Reason.INCOMPLETE) from None
            raise Unreadable(f"It is no XML from line {wrong.lineno}, column {wrong.offset + 1} on.") from None
        return self._open[0].children[0]

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1 + len(attributes)
        if self._count > 2 * MOST_ELEMENTS:  # a primitive is a tag with an attribute
            raise Unreadable("It has too many elements. Send fewer reports at once.", reason=Reason.TOO_LARGE)
        if len(self._open) + self._narrative > MOST_DEEP:
            raise Unreadable("It is nested too deeply.")
        if self._narrative or name == f"{_XHTML}div":
            self._narrative += 1
            if self._narrative > 1:
                return
        elif not name.startswith(_FHIR):
            raise Unreadable("An element in it is not of the namespace http://hl7.org/fhir.")
        tag = _Tag(name.rpartition(" ")[2], _known(attributes) if not self._narrative else {})
        self._open[-1].children.append(tag)
        self._open.append(tag)

    def _end(self, _name: str) -> None:
        self._narrative -= bool(self._narrative)
        if not self._narrative:
            self._open.pop()

    def _text(self, text: str) -> None:
        if not self._narrative and text.strip():
            raise Unreadable("Text stands between its elements. FHIR writes a value as an attribute.")


def _no_doctype(*_declared: object) -> NoReturn:
    raise Unreadable("A document type declaration is not taken. Leave it out.")


def _known(attributes: dict[str, str]) -> dict[str, str]:
    known = {name: text for name, text in attributes.items() if not name.startswith(_SCHEMA)}
    if not known.keys() <= _ATTRIBUTES:
        raise Unreadable("An element in it has an attribute that FHIR does not have.")
    return known


def _resource(tag: _Tag, steps: Steps) -> dict[str, Any]:
    if not is_resource(tag.name):
        sentence = "This is no resource of FHIR R4." if steps else "The outermost element is no resource of FHIR R4."
        raise Unreadable(sentence, steps=steps)
    return {"resourceType": tag.name, **_complex(tag, tag.name, steps)}


def _complex(tag: _Tag, type_name: str, steps: Steps) -> dict[str, Any]:
    """An element that holds others. An id of an element and the url of an extension are attributes."""
    if "value" in tag.attributes:
        raise Unreadable("A value stands where only elements are due.", steps=steps)
    found: dict[str, Any] = dict(tag.attributes)
    known = elements(type_name)
    for name, tags in _by_name(tag):
        here = known.get(name) or _unknown(tags)
        if name in found or (len(tags) > 1 and not here.is_list):
            raise Unreadable("This element may stand only once.", steps=(*steps, name))
        places = [(*steps, name, number) if here.is_list else (*steps, name) for number in range(len(tags))]
        if here.is_primitive:
            found.update(_primitives(name, here, tags, places))
        else:
            values = [_value(each, here.type, at) for each, at in zip(tags, places, strict=True)]
            found[name] = values if here.is_list else values[0]
    return found


def _unknown(tags: list[_Tag]) -> Element:
    """Something that FHIR R4 does not have here: kept, so that the model refuses it at its place."""
    is_primitive = "value" in tags[0].attributes
    return Element("string" if is_primitive else "Element", len(tags) > 1, is_primitive)


def _by_name(tag: _Tag) -> Iterator[tuple[str, list[_Tag]]]:
    groups: dict[str, list[_Tag]] = {}
    for child in tag.children:
        groups.setdefault(child.name, []).append(child)
    return iter(groups.items())


def _value(tag: _Tag, type_name: str, steps: Steps) -> dict[str, Any]:
    if type_name != "Resource":
        return _complex(tag, type_name, steps)
    if len(tag.children) != 1 or tag.attributes:
        raise Unreadable("One resource is due here.", steps=steps)
    return _resource(tag.children[0], steps)


def _primitives(name: str, element: Element, tags: list[_Tag], places: list[Steps]) -> dict[str, Any]:
    """The values, and beside them under `_name` what extends them, as JSON has it."""
    values = [_primitive(element.type, tag) for tag in tags]
    beside = [_beside(tag, at) for tag, at in zip(tags, places, strict=True)]
    found: dict[str, Any] = {}
    if any(value is not None for value in values):
        found[name] = values if element.is_list else values[0]
    if any(beside):
        found[f"_{name}"] = beside if element.is_list else beside[0]
    return found or {name: ""}  # said, and empty: refused like any empty element


def _beside(tag: _Tag, steps: Steps) -> dict[str, Any] | None:
    extends = _Tag(tag.name, {name: text for name, text in tag.attributes.items() if name != "value"}, tag.children)
    return _complex(extends, "Element", steps) or None


def _primitive(type_name: str, tag: _Tag) -> Any:
    """The value as JSON would hold it; what is none stays text, and the model refuses it."""
    if type_name == "xhtml":
        tag.children.clear()
        return _NARRATIVE
    text = tag.attributes.get("value")
    if text is None:
        return None
    if type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    try:
        if type_name in _WHOLE:
            return int(text) if len(text) < 20 else text
        return Decimal(text) if type_name == "decimal" else text
    except (ValueError, InvalidOperation):
        return text
