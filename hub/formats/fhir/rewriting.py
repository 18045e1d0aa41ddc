"""A FHIR message written again with some of its texts changed, every other character as it was.

Only for what `read` could take apart: then the marks of JSON and XML can be trusted.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from xml.sax.saxutils import escape

from hub.formats.fhir.finding import Steps
from hub.formats.fhir.model import elements, is_resource

Change = Callable[[Steps, str], str]

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')
_MARKUP = re.compile(r"<!--.*?-->|<\?.*?\?>|<[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*>|[^<]+", re.DOTALL)
_NAME = re.compile(r"</?\s*(?:[\w.-]+:)?([\w.-]+)")
_VALUE = re.compile(r"""(\svalue\s*=\s*)("[^"]*"|'[^']*')""")


def rewritten_json(text: str, change: Change) -> str:
    """Every text that is no name, as `change` says."""
    way: list[str | int] = []  # the name or number at each open object or list
    written, done, awaits_name = [], 0, False
    for found in _TOKENS.finditer(text):
        token = found[0]
        if token in "{[":
            way.append("" if token == "{" else 0)
            awaits_name = token == "{"
        elif token in "}]":
            way.pop()
            awaits_name = False
        elif token == ",":
            here = way[-1]
            awaits_name = isinstance(here, str)
            way[-1] = here if isinstance(here, str) else here + 1
        elif token == ":":
            awaits_name = False
        elif awaits_name:
            way[-1] = json.loads(token)
        else:
            new = _value(token, tuple(way), change)
            if new != token:
                written += [text[done : found.start()], new]
                done = found.end()
    return "".join([*written, text[done:]])


def _value(token: str, steps: Steps, change: Change) -> str:
    """A text as `change` says; a number or a word of JSON only where it stays one."""
    if not token.startswith('"'):
        new = change(steps, token)
        return new if new.isdigit() == token.isdigit() and token.isdigit() and new[:1] != "0" else token
    old = json.loads(token)
    new = change(steps, old)
    return token if new == old else json.dumps(new, ensure_ascii=False)


@dataclass(slots=True)
class _Open:
    """An open element: the way to it, the type of what it holds, and how many of each name it has had."""

    steps: Steps
    type: str
    seen: Counter[str] = field(default_factory=Counter)


def rewritten_xml(text: str, change: Change) -> str:
    """Every value, and the text of narratives and comments, as `change` says."""
    rewriter = _Rewriter(change)
    return "".join(rewriter.token(found[0]) for found in _MARKUP.finditer(text))


class _Rewriter:
    """Goes through the markup, and knows where it is."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._open: list[_Open] = []
        self._narrative = 0  # how deep within a narrative's div

    def token(self, token: str) -> str:
        if token.startswith("<!--"):
            return f"<!--{self._change((), token[4:-3])}-->"
        if token.startswith("<?"):
            return token
        if token.startswith("</"):
            return self._closing(token)
        if token.startswith("<"):
            return self._opening(token)
        return self._between(token)

    def _between(self, text: str) -> str:
        if not self._narrative:
            return text
        old = unescape(text)
        new = self._change((*self._open[-1].steps, "div"), old)
        return text if new == old else escape(new)

    def _closing(self, token: str) -> str:
        if self._narrative:
            self._narrative -= 1
        else:
            self._open.pop()
        return token

    def _opening(self, token: str) -> str:
        is_alone = token.endswith("/>")
        if self._narrative or _name(token) == "div":
            self._narrative += not is_alone
            return token
        here = _entered(self._open[-1] if self._open else None, _name(token))
        if not is_alone:
            self._open.append(here)
        return _VALUE.sub(lambda found: self._value(here.steps, found), token, count=1)

    def _value(self, steps: Steps, found: re.Match[str]) -> str:
        old, mark = unescape(found[2][1:-1]), found[2][0]
        new = self._change(steps, old)
        return found[0] if new == old else f"{found[1]}{mark}{escape(new, {mark: f'&#{ord(mark)};'})}{mark}"


def _entered(outer: _Open | None, name: str) -> _Open:
    if outer is None or (outer.type == "Resource" and is_resource(name)):
        return _Open(outer.steps if outer else (), name)
    number = outer.seen[name]
    outer.seen[name] += 1
    element = elements(outer.type).get(name)
    if element is None:
        return _Open((*outer.steps, name), "")
    return _Open((*outer.steps, name, number) if element.is_list else (*outer.steps, name), element.type)


def _name(token: str) -> str:
    found = _NAME.match(token)
    return found[1] if found else ""
