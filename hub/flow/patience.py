"""Trying again by itself: for `Retry`, and for nothing else, with growing and uneven rests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from hub import telemetry
from hub.errors import Reason, Retry

FIRST_REST_SECONDS = 0.1
LONGEST_REST_SECONDS = 5.0
LONGEST_REST_OUTSIDE_SECONDS = 300.0


def tell_away(error: BaseException | None) -> None:
    """What cannot be done just now is counted, each time it is tried."""
    if isinstance(error, Retry) and error.reason is Reason.BROKER_AWAY:
        telemetry.broker_failed(error)
    elif isinstance(error, Retry) and error.reason is Reason.MESH_AWAY:
        telemetry.mesh_failed(error)
    elif isinstance(error, Retry) and error.reason is Reason.EVENTS_AWAY:
        telemetry.pds_events_failed(error)
    elif error is not None:
        telemetry.store_failed(error)


def _tell(state: RetryCallState) -> None:
    tell_away(state.outcome.exception() if state.outcome else None)


patiently = AsyncRetrying(
    retry=retry_if_exception_type(Retry),
    wait=wait_random_exponential(multiplier=FIRST_REST_SECONDS, max=LONGEST_REST_SECONDS),
    before_sleep=_tell,
    reraise=True,
)
"""`await patiently(work, *arguments)`: until it is done, or fails with something that trying again does not mend.
Uneven rests, so that many who wait for the same database do not all come back at once."""

patiently_now = Retrying(
    retry=retry_if_exception_type(Retry),
    wait=wait_random_exponential(multiplier=FIRST_REST_SECONDS, max=LONGEST_REST_SECONDS),
    stop=stop_after_attempt(5),
    before_sleep=_tell,
    reraise=True,
)
"""`patiently_now(work, *arguments)`: a few times, for code in a thread of its own, which must come to an end."""

patiently_outside = patiently.copy(wait=wait_random_exponential(multiplier=1.0, max=LONGEST_REST_OUTSIDE_SECONDS))
"""The same for what belongs to others and serves many: it is asked less and less often."""


async def over_and_over(work: Callable[[], Awaitable[int]], rest_seconds: float, part: str) -> None:
    """Until cancelled. `work` says how much there was to do: after nothing it rests. A bug in it must not end the
    process, which has other work beside; `part` names it in what is told."""
    while True:
        try:
            done = await work()
        except Retry as error:
            tell_away(error)
            done = 0
        except Exception as error:  # whatever a bug raises: the next turn may go well
            telemetry.our_fault(error, part)
            done = 0
        if not done:
            await asyncio.sleep(rest_seconds)


def patient_for(seconds: float) -> AsyncRetrying:
    """The same for whoever cannot wait for ever: `await patient_for(30)(work, *arguments)` raises the last `Retry` when
    the next rest would go beyond. Whoever says when to come again (`Retry.after`) is not asked before."""
    return AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, Retry) and error.soon),
        stop=stop_before_delay(seconds),
        wait=_rest,
        reraise=True,
    )


_uneven = wait_random_exponential(multiplier=FIRST_REST_SECONDS * 5, max=LONGEST_REST_SECONDS)


def _rest(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_for = (error.after if isinstance(error, Retry) else None) or 0.0
    return asked_for + _uneven(state)
