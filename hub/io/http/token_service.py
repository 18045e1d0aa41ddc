"""`POST /oauth2/token`: a signed client assertion for a bearer token (RFC 6749 4.4, RFC 7523)."""

from __future__ import annotations

from urllib.parse import parse_qs

from aiohttp import web

from hub import telemetry
from hub.io.http.assertions import AssertionRefused, check
from hub.io.http.bodies import body_of, media_type_of
from hub.io.http.callers import Caller
from hub.io.http.parts import Parts
from hub.io.http.tokens import LIFETIME

PATH = "/oauth2/token"
FORM = "application/x-www-form-urlencoded"
GRANT = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MAX_BYTES = 16 * 1024
_PROVES = {"WWW-Authenticate": 'Bearer realm="screening-hub"'}


async def give_token(request: web.Request, parts: Parts, _caller: Caller) -> web.Response:
    """A token, or why there is none, in the words of OAuth."""
    media_type_of(request, (FORM,))
    form = _form(await body_of(request, _MAX_BYTES, parts.settings.patience_seconds))
    if form.get("grant_type") != GRANT:
        return _refused(400, "unsupported_grant_type", f"grant_type must be {GRANT}.")
    if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
        return _refused(400, "invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}, with its assertion.")
    try:
        assertion = check(form["client_assertion"], parts.keys, parts.url + PATH, parts.clock())
    except AssertionRefused as refused:
        return _not_proven(str(refused))
    token = await parts.tokens.give(assertion)
    if token is None:
        return _not_proven("jti was used before. Sign a new assertion for each token.")
    expires_in = int(LIFETIME.total_seconds())
    return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": expires_in})


def _form(body: bytes) -> dict[str, str]:
    """The fields that are given once; a form that cannot be read has none."""
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


def _not_proven(sentence: str) -> web.Response:
    telemetry.partner_not_proven("assertion")
    return _refused(401, "invalid_client", sentence)


def _refused(status: int, error: str, sentence: str) -> web.Response:
    headers = _PROVES if status == 401 else {}
    return web.json_response({"error": error, "error_description": sentence}, status=status, headers=headers)
