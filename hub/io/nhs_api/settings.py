"""What a door to an API of the platform needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """`url` is the base of the API, `token_url` the audience of our assertions too. Durations are seconds.

    A conversation may take `seconds` with all its requests, turns and rests, one request `request_seconds`. After
    `failures` in a row the circuit opens, and every `rest_seconds` one conversation tries whether the partner is back.
    """

    url: str
    token_url: str
    client: str
    kid: str
    key: Path
    per_second: float = 5.0
    seconds: float = 30.0
    request_seconds: float = 10.0
    failures: int = 5
    rest_seconds: float = 15.0
