"""How a message stands by all that was told of it: a pure fold. Any order and any repetition give the same standing.

News comes late, twice, and out of order. So a message never moves back: `delivered` counts more than `failed` (somebody
says that she has it), and both more than anything on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from hub.domain.catalogue import Following, Plan
from hub.domain.communications import ChannelNews, MessageNews, News

UNDER_WAY, DELIVERED, FAILED = "sent", "delivered", "failed"
_ENDS = (DELIVERED, FAILED)
_NOT_BEGUN = ("created", "skipped")
"""Notify tells of every channel of a plan at once, and then of each again when its turn has come."""
NO_NEWS, NOT_KNOWN, NOT_FOLLOWED, NOT_ENDED = "no-news", "not-known", "not-followed", "not-ended"
LONGEST_REST = timedelta(hours=24)

TROUBLES: Mapping[str, str] = MappingProxyType(
    {
        NO_NEWS: "NHS Notify has said nothing of this message for too long, and we have no id to ask by.",
        NOT_KNOWN: "NHS Notify does not know this message, though it had taken it.",
        NOT_FOLLOWED: "She has not read it, and the next channel of the plan has not begun.",
        NOT_ENDED: "It is neither delivered nor failed after all this time.",
        "our-fault": "The hub failed on this letter: an engineer looks at it.",
        "too-long": "What would stand in it does not fit on a channel of its plan.",
        "CM_INVALID_NHS_NUMBER": "NHS Notify says that her number is not valid.",
    }
)
"""Why somebody must act where Notify gives no description: by our rule, or Notify's code."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """`state`: empty while nothing was told, sent, delivered, failed; `at` since when. `reason` and `description` are
    Notify's, of a failure. `channel`: the furthest that has begun; `followed`: one behind the first has begun. `read`:
    she opened it. `heard_at`: of the newest news."""

    state: str = ""
    at: datetime | None = None
    reason: str = ""
    description: str = ""
    message_id: str = ""
    channel: str = ""
    followed: bool = False
    read: bool = False
    heard_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.state in _ENDS


def delivery(news: Iterable[News]) -> Delivery:
    """How a message stands by all its news."""
    known = sorted({each.key: each for each in sorted(news, key=_order)}.values(), key=_order)
    if not known:
        return Delivery()
    of_message = [each for each in known if isinstance(each, MessageNews)]
    of_channels = [each for each in known if isinstance(each, ChannelNews)]
    deciding = _deciding(of_message) or known[0]
    begun = [each for each in of_channels if each.status not in _NOT_BEGUN]
    furthest = max(begun, key=lambda each: (each.cascade == "secondary", each.order), default=None)
    is_failure = deciding.status == FAILED and isinstance(deciding, MessageNews)
    return Delivery(
        state=deciding.status if isinstance(deciding, MessageNews) and deciding.status in _ENDS else UNDER_WAY,
        at=deciding.at,
        reason=_reason(deciding, of_channels) if is_failure else "",
        description=deciding.description if is_failure else "",
        message_id=next((each.message_id for each in known if each.message_id), ""),
        channel=furthest.channel if furthest else "",
        followed=any(each.order > 1 or each.cascade == "secondary" for each in begun),
        read=any(each.supplier_status == "read" for each in of_channels),
        heard_at=known[-1].at,
    )


def _order(news: News) -> tuple[datetime, str, str]:
    return news.at, news.key, repr(news)


def _deciding(news: Sequence[MessageNews]) -> MessageNews | None:
    """The first that says delivered, else the first that says failed, else the newest."""
    for end in _ENDS:
        if ends := [each for each in news if each.status == end]:
            return ends[0]
    return news[-1] if news else None


def _reason(deciding: News, channels: Sequence[ChannelNews]) -> str:
    """Of the message; where it gives none, that of the last channel which failed."""
    failed = [each.reason for each in channels if each.status == FAILED and each.reason]
    return deciding.reason or (failed[-1] if failed else "unknown")


# -- what is done next about a message without an end


@dataclass(frozen=True, slots=True)
class Look:
    """Ask again at this time."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """Somebody must act, and why."""

    why: str


def after_asking(
    stands: Delivery, sent_at: datetime, plan: Plan, following: Following, now: datetime
) -> Look | Trouble:
    """What to do about a message that has no end, now that Notify has been asked."""
    age = now - sent_at
    if age >= following.ends_within:
        return Trouble(NOT_ENDED)
    if is_unread_too_long(stands, sent_at, plan, following, now):
        return Trouble(NOT_FOLLOWED)
    rest = min(LONGEST_REST, max(following.ask_after, age))
    next_at = [now + rest, sent_at + following.ends_within]
    if _may_be_unread(stands, plan) and now < sent_at + plan.unread + following.margin:
        next_at.append(sent_at + plan.unread + following.margin)
    return Look(min(next_at))


def is_unread_too_long(stands: Delivery, sent_at: datetime, plan: Plan, following: Following, now: datetime) -> bool:
    """Whether the next channel of the plan should have begun, and has not."""
    return _may_be_unread(stands, plan) and now >= sent_at + plan.unread + following.margin


def _may_be_unread(stands: Delivery, plan: Plan) -> bool:
    return len(plan.channels) > 1 and not (stands.read or stands.followed)
