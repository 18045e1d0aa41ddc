"""The forms of settings: text of the environment → a value, or the form that would have been right."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time
from pathlib import Path

MAPPINGS = Path(__file__).resolve().parent.parent.parent / "mappings"
"""The tables that came with the hub."""
_UNITS = {"": 1, "b": 1, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_PLAN = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


class Unfit(ValueError):
    """The text is not of the accepted form, which this names."""


def a_path(text: str) -> Path:
    return Path(text).expanduser()


def path_or_none(text: str) -> Path | None:
    return a_path(text) if text else None


def mappings_directory(text: str) -> Path:
    return a_path(text) if text else MAPPINGS


def text(text: str) -> str:
    return text


def host(text: str) -> str:
    if not text or any(sign in text for sign in " /"):
        raise Unfit("a host name or an address, like 127.0.0.1 or 0.0.0.0")
    return text


def port(text: str) -> int:
    return _whole(text, 0, 65535, "a port from 1 to 65535, or 0 for any free one")


def port_or_none(text: str) -> int | None:
    return port(text) if text else None


def count(text: str) -> int:
    return _whole(text, 1, 1_000_000, "a whole number from 1 to 1000000")


def _whole(text: str, least: int, most: int, form: str) -> int:
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise Unfit(form)
    return int(text)


def size(text: str) -> int:
    """`16777216`, `16 MiB`, `16MiB`."""
    digits = text.rstrip("BKMGbkmgi ")
    factor = _UNITS.get(text[len(digits) :].strip().lower())
    form = "a size from 1 KiB to 1 GiB, like 16777216 or 16 MiB"
    if factor is None:
        raise Unfit(form)
    size = _whole(digits, 1, 1024**3, form) * factor
    if not 1024 <= size <= 1024**3:
        raise Unfit(form)
    return size


def seconds(text: str) -> float:
    form = "seconds from 0.1 to 86400, like 30 or 0.5"
    if not text.replace(".", "", 1).isdigit() or not text.isascii() or not 0.1 <= float(text) <= 86400:
        raise Unfit(form)
    return float(text)


def rate(text: str) -> float:
    form = "a number from 0.1 to 1000, like 5 or 0.5"
    if not text.replace(".", "", 1).isdigit() or not text.isascii() or not 0.1 <= float(text) <= 1000:
        raise Unfit(form)
    return float(text)


def plan_ids(text: str) -> tuple[tuple[str, str], ...]:
    """`invitation=5c1e6d1c-…,post=e1d2c3b4-…`, each name once."""
    if not text:
        return ()
    form = "names of routing plans with their ids, like invitation=5c1e6d1c-7d0e-4c8b-9a42-0f3b6a2d9e11,post=..."
    pairs = [one.strip().partition("=") for one in text.split(",")]
    if not all(_PLAN.fullmatch(name) and _UUID.fullmatch(plan_id) for name, _, plan_id in pairs):
        raise Unfit(form)
    found = {name: plan_id.lower() for name, _, plan_id in pairs}
    if len(found) < len(pairs):
        raise Unfit(f"{form}, and each name once")
    return tuple(found.items())


def time_of_day(text: str) -> time | None:
    if text.lower() == "off":
        return None
    if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text, re.ASCII) is None:
        raise Unfit("a time of the day like 02:00, or off")
    return time.fromisoformat(text)


def one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise Unfit("one of " + ", ".join(words))
        return text.lower()

    return read


def address(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text and not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise Unfit(" or ".join(f"{scheme}://user:password@host/name" for scheme in schemes))
        return text

    return read


def mesh_address(text: str) -> str:
    """Plain HTTP goes to this machine alone: people's results must not cross a network in the clear."""
    if text and re.fullmatch(r"https://[^\s/@]+(/\S*)?|http://(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?/?", text) is None:
        raise Unfit("an address that begins with https://, or http:// for a server on this machine")
    return text


def web(example: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text and re.fullmatch(r"https?://[^\s/]+(/\S*)?", text) is None:
            raise Unfit(f"an address like {example}")
        return text

    return read


def partner_address(text: str) -> str:
    """A token must not travel readable: http is for this machine and for a host of its own network (a name without
    a dot)."""
    if text and re.fullmatch(r"https://[^\s/?#@]+(/[^\s?#]*)?", text) is None:
        near = re.fullmatch(r"http://(127\.0\.0\.1|\[::1\]|[\w-]+)(:\d+)?(/[^\s?#]*)?", text)
        if near is None:
            raise Unfit("an address like https://api.example.org/path (http only on this machine)")
    return text.rstrip("/")
