"""How the simulator of NHS Notify passes its time, and brings its callbacks: signed, and again until they are taken."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import hmac
import json
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any

import aiohttp

LONGEST_SECONDS = 2 * 3600.0
_FIRST_REST_SECONDS = 5.0
Work = Callable[[], Coroutine[Any, Any, None]]


class Agenda:
    """Time that goes from one event to the next. `scale`: how many real seconds one of its seconds takes; with 0 it
    waits for nothing."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._events: list[tuple[float, int, Work]] = []
        self._numbers = count()
        self._bell = asyncio.Event()
        self._began = asyncio.get_running_loop().time()
        self._busy = False
        self._now = 0.0

    @property
    def now(self) -> float:
        passed = (asyncio.get_running_loop().time() - self._began) / self._scale if self._scale else 0.0
        return max(self._now, passed)

    @property
    def is_idle(self) -> bool:
        return not self._events and not self._busy

    def later(self, seconds: float, work: Work) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), work))
        self._bell.set()

    async def run(self) -> None:
        while True:
            self._bell.clear()
            rest = (self._events[0][0] - self.now) * self._scale if self._events else None
            if rest is None or rest > 0:
                await self._rung(rest)
                continue
            due, _, work = heapq.heappop(self._events)
            self._now, self._busy = max(self._now, due), True
            await work()
            self._busy = False
            await asyncio.sleep(0)  # requests have their turn too

    async def _rung(self, rest: float | None) -> None:
        """Until something new is to be done, or `rest` is over."""
        try:
            async with asyncio.timeout(rest):
                await self._bell.wait()
        except TimeoutError:
            pass


@dataclass(frozen=True, slots=True)
class Roads:
    """How callbacks travel: what share of them (0 to 1) is lost, comes twice, and comes late, after those that follow
    it."""

    lost: float = 0.0
    twice: float = 0.0
    late: float = 0.0
    late_seconds: float = 6 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Posted:
    """A callback that was sent, and how it was answered (0: not at all)."""

    body: bytes
    status: int
    tries: int


class Postman:
    """Callbacks on their way to `address`."""

    def __init__(self, address: str, application_id: str, api_key: str, roads: Roads, seed: int) -> None:
        self.address = address
        self.roads = roads
        self.posted: list[Posted] = []
        self.given_up: list[bytes] = []
        self._secret = f"{application_id}.{api_key}".encode()
        self._api_key = api_key
        self._chance = random.Random(seed)

    def headers(self, body: bytes) -> dict[str, str]:
        """What proves that a callback is Notify's."""
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/vnd.api+json",
            "x-api-key": self._api_key,
            "x-hmac-sha256-signature": signature,
        }

    def send(self, items: list[dict[str, Any]], agenda: Agenda, http: aiohttp.ClientSession) -> None:
        """Put a callback on its way; or not, or twice, or late."""
        chance, roads = self._chance.random, self.roads
        body = json.dumps({"data": items}).encode()
        if chance() < roads.lost:
            self.given_up.append(body)
            return
        for _ in range(2 if chance() < roads.twice else 1):
            rest = chance() * roads.late_seconds if chance() < roads.late else 0.0
            agenda.later(rest, _Errand(self, body, agenda, http).run)

    def rest(self, tries: int, retry_after: str) -> float | None:
        """Seconds until the next try; None where there shall be none. The more cautious of theirs and ours counts."""
        ours = _FIRST_REST_SECONDS * 2**tries * (0.5 + self._chance.random())
        theirs = float(retry_after) if retry_after.lstrip("-").isdigit() else 0.0
        return None if theirs < 0 else max(ours, theirs)


@dataclass(slots=True)
class _Errand:
    """One callback, until it is taken or two hours are over."""

    postman: Postman
    body: bytes
    agenda: Agenda
    http: aiohttp.ClientSession
    seconds: float = 0.0
    tries: int = 0

    async def run(self) -> None:
        status, retry_after = await self._post()
        self.postman.posted.append(Posted(self.body, status, self.tries + 1))
        if status == 202:
            return
        rest = self.postman.rest(self.tries, retry_after)
        self.tries += 1
        self.seconds += rest or 0.0
        if rest is None or self.seconds > LONGEST_SECONDS:
            self.postman.given_up.append(self.body)
        else:
            self.agenda.later(rest, self.run)

    async def _post(self) -> tuple[int, str]:
        headers, limit = self.postman.headers(self.body), aiohttp.ClientTimeout(total=10)
        try:
            async with self.http.post(self.postman.address, data=self.body, headers=headers, timeout=limit) as response:
                return response.status, response.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, ""
