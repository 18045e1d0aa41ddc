"""Who stands at the partners' door: proven by a client certificate, or by a token that was given for an assertion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import hdrs, web

from hub.io.http.answers import Refused, not_proven
from hub.io.http.tokens import Tokens
from hub.io.mllp import Peer
from hub.io.mllp.tls import subject_of
from hub.mapping import FeedTable, FeedTables

_SHOW = "Show a client certificate of your feed, or a bearer token from /oauth2/token."


@dataclass(frozen=True, slots=True)
class Caller:
    """The feeds that a caller has proven to send for, and what the journal keeps of it."""

    feeds: frozenset[str]
    peer: str
    certificate: str
    address: str

    def of_feed(self, feeds: FeedTables, name: str) -> FeedTable:
        """The table of the feed that is asked for; Refused where the caller does not send for it."""
        if name not in self.feeds:
            raise Refused(403, "This is another sender's feed. Ask for your own.", unread=True)
        return feeds.by_id[name]

    def of_fhir(self, feeds: FeedTables, speaks_fhir: Callable[[FeedTable], bool]) -> FeedTable:
        """The one feed of the caller's that speaks FHIR, whatever it reports."""
        speaking = [table for name in self.feeds if speaks_fhir(table := feeds.by_id[name])]
        if len(speaking) == 1:
            return speaking[0]
        if speaking:
            sentence = "This certificate stands for several such feeds. Use a token of the one that is meant."
        else:
            sentence = "Your feed is agreed in another language than FHIR. Use POST /feeds/{feed}/files."
        raise Refused(403, sentence, unread=True)


class Callers:
    """Says who calls. A token that is shown decides; else the certificate of the connection."""

    def __init__(self, feeds: FeedTables, tokens: Tokens) -> None:
        self._feeds = feeds
        self._tokens = tokens

    async def caller(self, request: web.Request) -> Caller:
        """Raises Refused (401) where nothing is proven."""
        peer = _peer(request)
        given = request.headers.get(hdrs.AUTHORIZATION, "")
        feeds = await self._of_token(given) if given else self._of_certificate(peer.common_name)
        return Caller(feeds, (peer.certificate_subject or peer.host)[:128], peer.common_name, peer.host)

    async def _of_token(self, given: str) -> frozenset[str]:
        scheme, _, token = given.partition(" ")
        feed = await self._tokens.feed_of(token.strip()) if scheme.lower() == "bearer" else ""
        if feed not in self._feeds.by_id:
            raise not_proven("This token is not one of this hub's, or it has expired. Get another at /oauth2/token.")
        return frozenset({feed})

    def _of_certificate(self, common_name: str) -> frozenset[str]:
        named = [table.feed for table in self._feeds if common_name and common_name in table.access.certificates]
        if not named:
            raise not_proven(_SHOW)
        return frozenset(named)


def _peer(request: web.Request) -> Peer:
    transport = request.transport
    name = transport.get_extra_info("peername") if transport else None
    certificate = transport.get_extra_info("peercert") if transport else None
    return Peer(str(name[0]) if name else "", int(name[1]) if name else 0, subject_of(certificate))
