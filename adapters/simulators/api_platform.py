"""The API platform before the simulators of PDS and NHS Notify: its token server, a socket, and what goes wrong."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request instead of its answer, or (`seconds` alone) before it. `after` is the Retry-After;
    `cut` ends the connection. `happened`: the work was done all the same, only the answer says otherwise."""

    status: int = 0
    code: str = ""
    diagnostics: str = ""
    after: str = ""
    seconds: float = 0.0
    cut: bool = False
    happened: bool = False
    body: bytes | None = None


class ApiPlatform:
    """What a simulator of an API inherits. A token is given to whoever proves to be `client` by a key that the platform
    knows. Faults of the token server are used up one for each request, in their order."""

    public_key: bytes
    client: str
    kid: str
    token_seconds: int
    token_faults: deque[Fault]
    assertions: list[dict[str, Any]]
    tokens: set[str]
    base: str
    runner: web.AppRunner | None

    @property
    def token_url(self) -> str:
        return f"{self.base}/oauth2/token"

    async def begin(self, app: web.Application) -> None:
        app.add_routes([web.post("/oauth2/token", self._token)])
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def end(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()

    def knows(self, request: web.Request) -> bool:
        """Whether the request shows a token that was given."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return kind == "Bearer" and token in self.tokens

    async def _token(self, request: web.Request) -> web.Response:
        if self.token_faults and (refused := await suffer(request, self.token_faults.popleft(), _told)):
            return refused
        form = await request.post()
        refusal = self._refusal(str(form.get("client_assertion", "")))
        if form.get("grant_type") != "client_credentials":
            refusal = 400, "grant_type is invalid"
        if refusal:
            status, why = refusal
            return web.json_response({"error": "invalid_request", "error_description": why}, status=status)
        token = uuid.uuid4().hex
        self.tokens.add(token)
        answer = {"access_token": token, "expires_in": str(self.token_seconds), "token_type": "Bearer"}
        return web.json_response({**answer, "issued_at": str(int(time.time() * 1000))})

    def _refusal(self, assertion: str) -> tuple[int, str] | None:
        """The platform's checks, in its order (apis.md 1.1)."""
        try:
            header = jwt.get_unverified_header(assertion)
            if header.get("alg") != "RS512":
                return 400, "Invalid 'alg' header in client_assertion JWT - unsupported JWT algorithm"
            options: Any = {"require": ["exp", "iss", "sub", "aud", "jti"]}
            claims = jwt.decode(assertion, self.public_key, ["RS512"], audience=self.token_url, options=options)
        except jwt.InvalidAudienceError:
            return 401, "Missing or invalid 'aud' claim in client_assertion JWT"
        except jwt.InvalidSignatureError:
            return 401, "JWT signature verification failed"
        except jwt.ExpiredSignatureError:
            return 400, "Invalid 'exp' claim in client_assertion JWT - JWT has expired"
        except jwt.InvalidTokenError:
            return 400, "Malformed JWT in client_assertion"
        if claims["iss"] != claims["sub"] or claims["iss"] != self.client:
            return 401, "Invalid 'iss'/'sub' claims in client_assertion JWT"
        if header.get("kid") != self.kid:
            return 401, "Invalid 'kid' header in client_assertion JWT - no matching public key"
        if claims["exp"] > time.time() + 310:
            return 400, "Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future"
        if claims["jti"] in {one["jti"] for one in self.assertions}:
            return 400, "Non-unique 'jti' claim in client_assertion JWT"
        self.assertions.append(claims)
        return None


async def suffer(
    request: web.Request, fault: Fault, told: Callable[[web.Request, Fault], web.Response]
) -> web.Response | None:
    """The fault instead of an answer, as this API tells it; None where the answer only came late."""
    await asyncio.sleep(fault.seconds)
    if fault.cut and request.transport is not None:
        request.transport.abort()
        return web.Response(status=500)
    return told(request, fault) if fault.status or fault.body is not None else None


def _told(_request: web.Request, fault: Fault) -> web.Response:
    return web.Response(status=fault.status or 200, body=fault.body, content_type="application/json")
