"""Whether whoever stands at a door has proven to be the sender that the message names, and stands at the right door."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from hub.errors import Reason
from hub.flow.ports.journal import Via
from hub.mapping import Feeds, FeedTable

_Network = IPv4Network | IPv6Network


REHEARSAL = "rehearsal"
"""The door of feeds that rehearse, and how their messages are kept apart in the journal."""


def rehearsed(feed: str) -> str:
    """The name under which the journal keeps a feed's rehearsal."""
    return f"{REHEARSAL}:{feed}"


def admitted(via: Via, feeds: Feeds) -> Feeds:
    """The tables that count at this door for this sender: a frame may hold messages of others beside its own."""

    def find(application: str, facility: str) -> FeedTable | None:
        table = feeds(application, facility)
        return table if table and objection_to(via, table) is None else None

    return find


def objection_to(via: Via, table: FeedTable) -> Reason | None:
    """Why the feed's messages are not taken from this sender at this door; None where they are."""
    if not is_proven(via, table):
        return Reason.SENDER_NOT_PROVEN
    if table.dialect != via.dialect:
        return Reason.WRONG_DOOR
    if table.status != "deactivated" and (table.status == "rehearsal") is not (via.door == REHEARSAL):
        return Reason.WRONG_DOOR
    return None


def is_proven(via: Via, table: FeedTable) -> bool:
    """Whether the way the message came proves this feed's sender.

    A door that proves senders by itself (HTTP, MESH) has named the feed. At the others a certificate or an address of
    the feed's table must fit; a feed that names neither is open to whoever reaches the door.
    """
    if via.feed:
        return via.feed == table.feed
    access = table.access
    if not access.certificates and not access.addresses:
        return True
    return via.certificate in access.certificates or _is_among(via.address, access.addresses)


def _is_among(address: str, allowed: tuple[str, ...]) -> bool:
    try:
        caller = ip_address(address)
    except ValueError:
        return False
    return any(caller in network for network in _networks(allowed))


@lru_cache(maxsize=1024)
def _networks(allowed: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(ip_network(each) for each in allowed)
