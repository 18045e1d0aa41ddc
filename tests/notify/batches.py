"""Synthetic messages to be handed over."""

from __future__ import annotations

import uuid

from hub.domain.communications import Batch, Message
from hub.domain.nhs_number import check_digit

PLANS = {
    "invitation": "5c1e6d1c-7d0e-4c8b-9a42-0f3b6a2d9e11",
    "result": "0f9d6a52-40ad-4f3a-8f0e-2c6f0a6f7b22",
    "referral": "a4b7c1d8-9e3f-4d21-b6a5-7c8d9e0f1a33",
    "post": "e1d2c3b4-a596-4877-8695-a4b3c2d1e044",
}
CHANNELS = {
    PLANS["invitation"]: ("nhsapp", "sms", "letter"),
    PLANS["result"]: ("nhsapp", "letter"),
    PLANS["referral"]: ("nhsapp", "letter"),
    PLANS["post"]: ("letter",),
}
NUMBERS = tuple(
    f"{nine}{digit}" for nine in range(999200000, 999200400) if (digit := check_digit(str(nine))) is not None
)


def message(index: int, number: str = "", **personalisation: str) -> Message:
    """The message of a synthetic letter; the same for the same number."""
    reference = str(uuid.uuid5(uuid.NAMESPACE_OID, f"letter {index}"))
    return Message(reference, number or NUMBERS[index % len(NUMBERS)], personalisation or {"test_date": "3 March 2026"})


def batch(count: int = 3, plan: str = "result", *, first: int = 0) -> Batch:
    messages = tuple(message(first + index) for index in range(count))
    return Batch(str(uuid.uuid5(uuid.NAMESPACE_OID, f"batch {first} {count} {plan}")), plan, messages)


def single(index: int = 0, plan: str = "referral") -> Batch:
    one = message(index)
    return Batch(one.reference, plan, (one,), single=True)
