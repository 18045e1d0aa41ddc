"""Tokens of the platform: an assertion that we sign, exchanged for a token, which is kept until it ends."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import jwt

from hub import telemetry
from hub.errors import CannotRun
from hub.flow.ports.store import Clock
from hub.io.nhs_api.away import ApiAway, Partner
from hub.io.nhs_api.settings import ApiSettings

ASSERTION_LIVES = timedelta(minutes=3)
"""The platform takes at most five minutes; two of them are for its clock and ours."""
_EARLY_SECONDS = 60.0
_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHM = "RS512"


class TokenRefused(ApiAway):
    """The token server knows what we want and does not give it: an engineer must act. `said` is its own sentence."""

    def __init__(self, partner: Partner, status: int, said: str) -> None:
        super().__init__(partner, "token-refused", soon=False)
        self.status = status
        self.said = said


class Tokens:
    """Fetches one at a time, whoever asks; renews early, and lives with the old one as long as it is good."""

    def __init__(self, partner: Partner, settings: ApiSettings, clock: Clock) -> None:
        self._partner = partner
        self._settings = settings
        self._clock = clock
        self._key = read_key(settings.key, partner.setting("KEY"))
        self._fetching = asyncio.Lock()
        self._token = ""
        self._renew_at = self._ends_at = 0.0
        self.server_is_ahead: timedelta | None = None

    async def token(self, http: aiohttp.ClientSession) -> str:
        """A token that is still good for a while. Raises ApiAway."""
        if _now() < self._renew_at:
            return self._token
        async with self._fetching:
            if _now() >= self._renew_at:  # else somebody fetched it while we waited
                await self._renew(http)
        return self._token

    def drop(self, token: str) -> None:
        """The partner does not accept it; a newer one stays."""
        if token == self._token:
            self._renew_at = self._ends_at = 0.0

    async def _renew(self, http: aiohttp.ClientSession) -> None:
        try:
            self._token, lifetime = await self._fetch(http)
        except ApiAway as away:
            telemetry.api_token(self._partner.name, away.hint)
            if _now() >= self._ends_at:
                raise
            return
        telemetry.api_token(self._partner.name, "new")
        self._ends_at = _now() + lifetime
        self._renew_at = self._ends_at - min(_EARLY_SECONDS, lifetime / 4)

    async def _fetch(self, http: aiohttp.ClientSession) -> tuple[str, float]:
        """One request. A lost answer is never asked for again with the same assertion: each has a new `jti`."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _BEARER,
            "client_assertion": self.assertion(self._clock()),
        }
        limit = aiohttp.ClientTimeout(total=self._settings.request_seconds)
        try:
            async with http.post(self._settings.token_url, data=form, timeout=limit, allow_redirects=False) as response:
                self._note_clock(response.headers.get("Date", ""))
                return _read(self._partner, response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise ApiAway(self._partner, "token-server-away") from None  # the texts of these errors hold addresses

    def assertion(self, at: datetime) -> str:
        """What proves who we are, once."""
        claims = {
            "iss": self._settings.client,
            "sub": self._settings.client,
            "aud": self._settings.token_url,
            "jti": str(uuid.uuid4()),
            "exp": int((at + ASSERTION_LIVES).timestamp()),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM, headers={"kid": self._settings.kid})

    def _note_clock(self, date: str) -> None:
        try:
            self.server_is_ahead = parsedate_to_datetime(date) - self._clock()
        except (ValueError, TypeError):
            self.server_is_ahead = None


def read_key(path: Path, setting: str) -> Any:
    """The private key, read once: parsing it takes longer than signing. Raises CannotRun."""
    try:
        return jwt.get_algorithm_by_name(_ALGORITHM).prepare_key(path.read_bytes())
    except OSError as error:
        raise CannotRun(f"The key of {setting} cannot be read ({error.strerror}). Correct the path.") from None
    except (ValueError, TypeError, jwt.InvalidKeyError):
        raise CannotRun(f"{setting} holds no private RSA key in PEM without a password. Name the right file.") from None


def _now() -> float:
    return asyncio.get_running_loop().time()


def _read(partner: Partner, status: int, body: bytes) -> tuple[str, float]:
    """The token and how many seconds it is good for; the platform writes numbers as text."""
    said = _object(body)
    if status == 429 or status >= 500:
        raise ApiAway(partner, "token-server-away")
    if status != 200:
        raise TokenRefused(partner, status, str(said.get("error_description", said.get("error", "")))[:300])
    token, lifetime = said.get("access_token"), str(said.get("expires_in", ""))
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not lifetime.isdigit():
        raise TokenRefused(partner, status, "The answer holds no token that can be used.")
    return token, float(lifetime)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
