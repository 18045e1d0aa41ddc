"""A feed's table as TOML, the way a person would write it, with remarks beside what still has to be looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from hub.mapping.feed_table import FeedTable

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def table_text(table: FeedTable, head: Sequence[str], remarks: Mapping[str, str], tail: Sequence[str] = ()) -> str:
    """The table's TOML. `remarks` stand before the facts and code tables they name (`facts.test_on`, `codes.hpv`, or
    behind the last code of one: `codes.hpv +`); `tail` ends it."""
    lines = ["#:schema ../feeds.schema.json", *(f"# {line}" for line in head)]
    said = {name: value for name, value in _said(table).items() if name not in ("facts", "codes")}
    lines += [f"{key} = {_value(value)}" for key, value in said.items() if not isinstance(value, msgspec.Struct)]
    for name, part in said.items():
        if isinstance(part, msgspec.Struct):
            lines += _part((name,), part, remarks)
    for name, fact in table.facts.declared():
        lines += _part(("facts", name), fact, remarks)
    for name, codes in table.codes.items():
        lines += _section(("codes", name), codes, remarks)
    lines += ["", *(f"# {line}" for line in tail)] if tail else []
    return "\n".join(lines) + "\n"


def _section(name: tuple[str, ...], keys: Mapping[str, object], remarks: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield from (f"# {line}" for line in remarks.get(".".join(name), "").splitlines())
    yield f"[{'.'.join(map(_key, name))}]"
    yield from (f"{_key(key)} = {_value(value)}" for key, value in keys.items())
    yield from (f"# {line}" for line in remarks.get(f"{'.'.join(name)} +", "").splitlines())


def _part(name: tuple[str, ...], part: msgspec.Struct, remarks: Mapping[str, str]) -> Iterator[str]:
    """The section of a struct, and those of the structs in it."""
    said = _said(part)
    yield from _section(
        name, {key: each for key, each in said.items() if not isinstance(each, msgspec.Struct)}, remarks
    )
    for key, each in said.items():
        if isinstance(each, msgspec.Struct):
            yield from _part((*name, key), each, remarks)


def _said(part: msgspec.Struct) -> dict[str, Any]:
    """What a struct says beyond what it would be anyway."""
    usual = {field.name: _usual(field) for field in msgspec.structs.fields(part)}
    return {name: value for name, other in usual.items() if (value := getattr(part, name)) != other}


def _usual(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_value(key)} = {_value(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
