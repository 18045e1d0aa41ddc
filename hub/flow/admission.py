"""Whether whoever stands at a door has proven to be the sender that the message names."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from hub.flow.ports import Via
from hub.mapping import FeedTable

_Network = IPv4Network | IPv6Network


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
