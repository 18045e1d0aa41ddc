"""How a connection to an API of the NHS platform is proved: token, clock, and whether we are answered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hub.errors import Retry
from hub.verbs.speaking import say, say_json

if TYPE_CHECKING:
    from hub.io.nhs_api import ApiDoor

CLOCK_MAY_DIFFER = timedelta(seconds=10)


async def show_connection(door: ApiDoor, name: str, *, as_json: bool, **more: Any) -> int:
    """Show what was found, after `more`; 1 where something is wrong."""
    findings = await _findings(door, name)
    well = all(finding["well"] for finding in findings)
    if as_json:
        say_json({**more, "well": well, "findings": findings})
    else:
        for finding in findings:
            say(f"{'✓' if finding['well'] else '✗'}  {finding['what']:8} {finding['says']}")
    return 0 if well else 1


async def _findings(door: ApiDoor, name: str) -> list[dict[str, Any]]:
    token = await _token(door)
    findings = [token, _clock(door)]
    return [*findings, await _reach(door, name)] if token["well"] else findings


async def _token(door: ApiDoor) -> dict[str, Any]:
    from hub.io.nhs_api import TokenRefused

    try:
        await door.tokens.token(door.http)
    except TokenRefused as refused:
        return _finding("token", False, f"refused ({refused.status}): {refused.said or 'no reason given'}")
    except Retry as away:
        url = door.partner.setting("TOKEN_URL")
        return _finding("token", False, f"{away.hint}: {url} does not answer as a token server.")
    return _finding("token", True, "The token server takes our key.")


def _clock(door: ApiDoor) -> dict[str, Any]:
    ahead = door.tokens.server_is_ahead
    if ahead is None:
        return _finding("clock", True, "The token server said no time; nothing to compare.")
    well = abs(ahead) <= CLOCK_MAY_DIFFER
    word = "ahead of" if ahead > timedelta(0) else "behind"
    advice = "" if well else " Set this machine's clock: assertions are refused when it differs much."
    return _finding("clock", well, f"The server is {abs(ahead.total_seconds()):.0f} s {word} this machine.{advice}")


async def _reach(door: ApiDoor, name: str) -> dict[str, Any]:
    try:
        why = await door.knock()
    except Retry as away:
        why = away.hint
    says = f"{name} does not answer as it should ({why})." if why else f"{name} answers us."
    return _finding(door.partner.name, not why, says)


def _finding(what: str, well: bool, says: str) -> dict[str, Any]:
    return {"what": what, "well": well, "says": says}
