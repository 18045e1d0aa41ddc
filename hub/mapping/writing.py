"""A feed's table as TOML, the way a person would write it, with remarks beside what still has to be looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from hub.mapping.feed_table import Fact, FeedTable

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def table_text(table: FeedTable, head: Sequence[str], remarks: Mapping[str, str], tail: Sequence[str] = ()) -> str:
    """The table's TOML. `remarks` stand before the facts and code tables they name (`facts.test_on`, `codes.hpv`, or
    behind the last code of one: `codes.hpv +`); `tail` ends it."""
    lines = ["#:schema ../feeds.schema.json", *(f"# {line}" for line in head)]
    for name in ("feed", "name", "dialect", "status", "timezone", "charset"):
        value = getattr(table, name)
        if value and (name, value) != ("timezone", "Europe/London"):
            lines.append(f"{name} = {_value(value)}")
    sender = {"application": table.sender.application, "facility": table.sender.facility}
    lines += _section("sender", {key: value for key, value in sender.items() if value}, remarks)
    lines += _section("laboratory", {"code": table.laboratory.code}, remarks)
    for name, fact in table.facts.declared():
        lines += _section(f"facts.{name}", dict(_keys(fact)), remarks)
    for name, codes in table.codes.items():
        lines += _section(f"codes.{name}", codes, remarks)
    lines += ["", *(f"# {line}" for line in tail)] if tail else []
    return "\n".join(lines) + "\n"


def _section(name: str, keys: Mapping[str, object], remarks: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield from (f"# {line}" for line in remarks.get(name, "").splitlines())
    yield f"[{name}]"
    yield from (f"{_key(key)} = {_value(value)}" for key, value in keys.items())
    yield from (f"# {line}" for line in remarks.get(f"{name} +", "").splitlines())


def _keys(fact: Fact) -> Iterator[tuple[str, object]]:
    """What a fact says beyond what it would be anyway."""
    usual = Fact()
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        if value != getattr(usual, name):
            yield name, value


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_value(key)} = {_value(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
