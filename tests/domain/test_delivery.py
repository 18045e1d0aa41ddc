"""How a message stands is a pure fold: any order of its news, and any repetition, gives the same."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.catalogue import Following, Plan
from hub.domain.communications import ChannelNews, MessageNews, News
from hub.domain.delivery import Delivery, Look, Trouble, after_asking, delivery

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
FOLLOWING = Following(2 * HOUR, 12 * HOUR, 24 * HOUR, 336 * HOUR)
TWO, ONE = Plan("two", "", ("nhsapp", "letter"), 24 * HOUR, True), Plan("one", "", ("letter",), timedelta(), False)

seconds = st.integers(0, 5).map(lambda after: AT + timedelta(seconds=after))
of_message = st.builds(
    MessageNews,
    key=st.sampled_from("abcdef"),
    message_id=st.sampled_from(["", "n1"]),
    reference=st.just("r"),
    status=st.sampled_from(["created", "pending_enrichment", "enriched", "sending", "delivered", "failed", "novel"]),
    at=seconds,
    reason=st.sampled_from(["", "MFR_PDSV_0001", "CFR_NEW"]),
)
of_channel = st.builds(
    ChannelNews,
    key=st.sampled_from("ghijkl"),
    message_id=st.just("n1"),
    reference=st.just("r"),
    channel=st.sampled_from(["nhsapp", "email", "sms", "letter"]),
    status=st.sampled_from(["created", "sending", "delivered", "failed", "skipped"]),
    at=seconds,
    order=st.integers(1, 3),
    supplier_status=st.sampled_from(["", "read", "unnotified"]),
)
every_news = st.lists(of_message | of_channel, max_size=8, unique_by=lambda each: each.key)


def message(status: str, after: int = 0, reason: str = "") -> MessageNews:
    return MessageNews(f"{status}{after}", "n1", "r", status, AT + timedelta(seconds=after), reason)


@given(news=every_news, seed=st.integers())
def test_any_order_and_any_repetition_give_the_same(news: list[News], seed: int) -> None:
    jumbled = [*news, *random.Random(seed).choices(news, k=3 * bool(news))]
    random.Random(seed).shuffle(jumbled)
    assert delivery(jumbled) == delivery(news)


@given(news=every_news, more=every_news)
def test_an_end_never_moves_back(news: list[News], more: list[News]) -> None:
    rank = ["", "sent", "failed", "delivered"].index
    assert rank(delivery([*news, *(each for each in more if each.key not in {one.key for one in news})]).state) >= rank(
        delivery(news).state
    )


@pytest.mark.parametrize(
    ("news", "state"),
    [
        ([], ""),
        ([message("created")], "sent"),
        ([message("delivered"), message("sending", 5)], "delivered"),
        ([message("failed", 9, "MFR_X"), message("delivered")], "delivered"),
        ([message("failed", 0, "MFR_X"), message("created", 9)], "failed"),
        ([message("novel")], "sent"),
    ],
)
def test_what_was_told_says_how_it_stands(news: list[News], state: str) -> None:
    assert delivery(news).state == state


def test_a_reason_that_nobody_knows_is_kept_and_one_of_a_channel_helps_out() -> None:
    failed = ChannelNews("c", "n1", "r", "sms", "failed", AT, reason="CFR_SUPE_0007")
    assert delivery([message("failed", 0, "MFR_9")]).reason == "MFR_9"
    assert delivery([message("failed"), failed]).reason == "CFR_SUPE_0007"
    assert delivery([message("failed")]).reason == "unknown"


@pytest.mark.parametrize(
    ("stands", "plan", "hours", "next_"),
    [
        (Delivery("sent"), TWO, 2, Look(AT + 4 * HOUR)),
        (Delivery("sent"), TWO, 20, Look(AT + 36 * HOUR)),
        (Delivery("sent"), TWO, 36, Trouble("not-followed")),
        (Delivery("sent", read=True), TWO, 36, Look(AT + 60 * HOUR)),
        (Delivery("sent", followed=True), TWO, 336, Trouble("not-ended")),
        (Delivery("sent"), ONE, 36, Look(AT + 60 * HOUR)),
        (Delivery("sent"), ONE, 330, Look(AT + 336 * HOUR)),
    ],
)
def test_what_is_done_next(stands: Delivery, plan: Plan, hours: int, next_: Look | Trouble) -> None:
    assert after_asking(stands, AT, plan, FOLLOWING, AT + hours * HOUR) == next_
