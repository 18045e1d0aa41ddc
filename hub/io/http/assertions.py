"""Signed client assertions (RFC 7523): what a partner shows to get a token, checked against the keys of its table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from jwt.types import Options

from hub.errors import CannotRun
from hub.mapping import FeedTables

ALGORITHMS = ("RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
LIFETIME, CLOCK_SKEW = timedelta(minutes=5), timedelta(seconds=10)
LEAST_RSA_BITS = 2048
_LONGEST = 256
_KEY_OF = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
_OURSELVES: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}

Keys = Mapping[str, Mapping[str, jwt.PyJWK]]
"""By feed and key id."""


class AssertionRefused(Exception):
    """The assertion proves nothing; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """Who has proven what. `jti` is what the sender calls it; it may be used once."""

    feed: str
    jti: str
    expires_at: datetime


def load_keys(feeds: FeedTables, tables: Path) -> dict[str, dict[str, jwt.PyJWK]]:
    """The public keys of every feed whose table names a file of them. Raises CannotRun with the file at fault."""
    return {table.feed: _read(tables / table.access.keys) for table in feeds if table.access.keys}


def _read(path: Path) -> dict[str, jwt.PyJWK]:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))["keys"]
        keys = {str(key["kid"]): jwt.PyJWK(key, algorithm=_algorithm(key)) for key in given}
    except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError):
        raise CannotRun(
            f"{path} is no JWKS file of public keys: each needs kid, and kty RSA or EC. Ask the partner for another."
        ) from None
    if any("d" in key or not _is_strong(keys[str(key["kid"])]) for key in given):
        raise CannotRun(f"{path} holds a private key, or an RSA key of less than {LEAST_RSA_BITS} bits. Replace it.")
    return keys


def _algorithm(key: dict[str, Any]) -> str:
    """Any that fits the kind of key; which one signs is looked at with each assertion."""
    if key["kty"] == "RSA":
        return "RS512"
    return {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[key["crv"] if key["kty"] == "EC" else ""]


def _is_strong(key: jwt.PyJWK) -> bool:
    return key.key_type != "RSA" or key.key.key_size >= LEAST_RSA_BITS


def check(assertion: str, keys: Keys, audience: str, at: datetime) -> Assertion:
    """What the assertion proves. Raises AssertionRefused."""
    header, claims = _unverified(assertion)
    algorithm, feed = header.get("alg"), claims.get("iss")
    if algorithm not in ALGORITHMS:
        raise AssertionRefused(f"alg must be one of {', '.join(ALGORITHMS)}.")
    if not isinstance(feed, str) or feed not in keys or claims.get("sub") != feed:
        raise AssertionRefused("iss and sub must both be the id of a feed that has keys here.")
    key = keys[feed].get(str(header.get("kid", "")))
    if key is None or key.key_type != _KEY_OF[algorithm[:2]]:
        raise AssertionRefused("kid must name a key of this feed that signs by this alg.")
    try:
        claims = jwt.decode(assertion, key.key, algorithms=[algorithm], options=_OURSELVES)
    except jwt.PyJWTError:
        raise AssertionRefused("The signature is not of this key.") from None
    return _judged(feed, claims, audience, at)


def _unverified(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        token = jwt.api_jwt.decode_complete(assertion, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise AssertionRefused("client_assertion is no signed JWT.") from None
    return token["header"], token["payload"]


def _judged(feed: str, claims: dict[str, Any], audience: str, at: datetime) -> Assertion:
    """Time is an argument, so the claims are judged here and not by the library."""
    named = claims.get("aud")
    if audience not in (named if isinstance(named, list) else [named]):
        raise AssertionRefused("aud must be the address of this token service.")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST:
        raise AssertionRefused("jti must be a name of its own for each assertion, such as a UUID.")
    expires_at = _moment(claims.get("exp"))
    if expires_at is None or not at - CLOCK_SKEW < expires_at <= at + LIFETIME + CLOCK_SKEW:
        raise AssertionRefused("exp must lie ahead, by five minutes at most.")
    begins_at = _moment(claims["nbf"]) if "nbf" in claims else at
    if begins_at is None or begins_at > at + CLOCK_SKEW:
        raise AssertionRefused("nbf lies ahead.")
    return Assertion(feed, jti, expires_at + CLOCK_SKEW)


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
