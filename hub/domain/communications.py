"""What NHS Notify is asked to tell people, and what it says became of that.

Facts of its interface: apis.md section 4. A message has the reference of the letter it carries, so that the same wish
is the same message however often it is handed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

# -- what is asked


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """One letter, for one person. `reference`: the letter's id. It names a person: it has no repr."""

    reference: str
    nhs_number: str
    personalisation: Mapping[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class Batch:
    """Messages of one routing plan (by its name in letters.toml) that are handed over together. `single`: one message
    by itself, which Notify takes by another road and knows again by the message's own reference instead of the batch's.
    """

    reference: str
    routing_plan: str
    messages: tuple[Message, ...]
    single: bool = False


# -- what is answered at once. Whatever else comes back says: not now (a Retry, and the same batch again).


@dataclass(frozen=True, slots=True)
class Accepted:
    """Every message was taken. `ids`: what Notify calls each, by our reference."""

    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AcceptedBefore:
    """Notify has this reference already: an earlier try got there, whatever we heard of it. Ids come by callbacks."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What Notify will not take. `code` is Notify's own (`CM_INVALID_NHS_NUMBER`); `reference` is the message's that it
    is about, empty where it is about the batch; `place` is where in the request (a JSON pointer, no values)."""

    code: str
    reference: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing of the batch was taken. `ours`: an engineer must mend something (keys, permissions, a routing plan);
    then the same batch may go again. Otherwise the messages that the faults name can never go as they are."""

    faults: tuple[Fault, ...]
    ours: bool = False


Handed = Accepted | AcceptedBefore | Refused

# -- what is told later, by callbacks or when asked: in any order, and more than once


@dataclass(frozen=True, slots=True)
class MessageNews:
    """How a message stands. `key`: the same news has the same key. `reason`: Notify's code of a failure, or empty;
    codes we do not know are kept as they come."""

    key: str
    message_id: str
    reference: str
    status: str
    at: datetime
    reason: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class ChannelNews:
    """How one channel of a message stands (nhsapp, email, sms, letter). `order`: its place in the cascade, from 1."""

    key: str
    message_id: str
    reference: str
    channel: str
    status: str
    at: datetime
    order: int = 1
    cascade: str = "primary"
    supplier_status: str = ""
    retry: int = 0
    reason: str = ""
    description: str = ""


News = MessageNews | ChannelNews


@dataclass(frozen=True, slots=True)
class UnreadNews:
    """What came as news is not of the form that Notify documents, and none of it was taken. `place`: where it is wrong
    (a JSON pointer); of what stands there nothing is told, because it may be about somebody."""

    place: str
    why: str
