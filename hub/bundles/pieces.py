"""Every text of a Bundle with its place, and the Bundle written again with some of them changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hub.contract import Piece
from hub.formats.fhir import Document, Steps, place_at
from hub.formats.fhir.rewriting import rewritten_json, rewritten_xml

# Elements that are codes, names of systems, kinds and references by FHIR itself.
_CODES = frozenset(
    {
        "resourceType", "id", "system", "code", "status", "use", "url", "fullUrl", "reference", "type", "profile",
        "versionId", "version", "lastUpdated", "timestamp", "language", "linkId", "method", "rank", "userSelected",
        "valueCode", "valueUri", "intent", "priority", "mode", "comparator", "unit", "endpoint",
    }
)  # fmt: skip
_BETWEEN_TAGS = re.compile(r"(^|>)([^<>]+)(<|$)")

Change = Callable[[Piece], str]


def rewritten(document: Document, change: Change) -> bytes:
    """The bytes, with each text as `change` says; of what is no message, all is one text."""
    text = document.raw.decode("utf-8", "surrogateescape")
    if document.unreadable:
        return (change(Piece("", text)) if text.strip() else text).encode("utf-8", "surrogateescape")

    def changed(steps: Steps, value: str) -> str:
        if not value.strip():
            return value
        piece = Piece(place_at(steps).text, value, _is_code(steps), _in_table(document.tree, steps))
        return _narrative(piece, change) if steps[-1:] == ("div",) else change(piece)

    rewrite = rewritten_xml if document.is_xml else rewritten_json
    return rewrite(text, changed).encode("utf-8", "surrogateescape")


def _narrative(div: Piece, change: Change) -> str:
    """A narrative with what stands between its tags changed."""

    def between(found: re.Match[str]) -> str:
        text = found[2]
        new = change(Piece(div.place, text, False, div.table_place)) if text.strip() else text
        return found[1] + new + found[3]

    return _BETWEEN_TAGS.sub(between, div.text)


def _is_code(steps: Steps) -> bool:
    names = [step for step in steps if isinstance(step, str)]
    if not names:
        return False
    return names[-1] in _CODES or names[-2:] == ["coding", "display"]


def _in_table(tree: Mapping[str, Any], steps: Steps) -> str:
    """The place as a table writes it: from the innermost resource on, without numbers."""
    node: Any = tree
    names = [str(tree.get("resourceType", ""))]
    for step in steps:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            node = None
        if isinstance(node, dict) and isinstance(node.get("resourceType"), str):
            names = [node["resourceType"]]
        elif isinstance(step, str):
            names.append(step)
    return ".".join(names)
