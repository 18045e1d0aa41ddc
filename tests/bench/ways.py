"""The hub between both servers, in rounds: yardsticks, answers with confirmed events, and the whole road to the letter.

What is compared is measured in the same round, on the same two nodes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from hub.domain.people import Participant
from tests.bench.a_hub import reports
from tests.bench.processes import cpu_seconds, peak_mebibytes
from tests.bench.report import Figures, milliseconds, progress
from tests.bench.roles import Hub, Servers, hub
from tests.bench.sender import Sent
from tests.bench.yardsticks import Raw

CONNECTIONS = 8
UNANSWERED = 8
"""On each connection, so that 64 messages are in flight on eight."""
WARM, RAW, SINGLE, ALONE, AT_ONCE, STREAMED, ROAD = 200, 4_000, 500, 600, 4_000, 8_000, 2_000
STEADY_SECONDS = 4
WORKERS = int(os.environ.get("HUB_TEST_WORKERS", "1"))
_LETTERS = """
SELECT extract(epoch FROM l.changed_at - j.received_at)::float8 FROM letters l JOIN results r USING (result_id)
JOIN journal j ON j.seq = r.journal_seq WHERE j.seq > {after}
"""


class Laboratory:
    """Ordinary results, no two of one slide, and of one person only when everybody has had hers."""

    def __init__(self, people: Sequence[Participant]) -> None:
        self._people = list(people)
        self._next = 1

    def reports(self, count: int) -> list[bytes]:
        first, self._next = self._next, self._next + count
        return reports(self._people, count, first)


def yardsticks(on: Servers, size: int, figures: Figures) -> None:
    """What the nodes do without a hub. The first publishes only warm the node up."""
    progress("the servers by themselves")
    with on.rabbit.fresh_vhost() as vhost, on.fresh_database() as url:
        raw = Raw(vhost, size)
        raw.rate(RAW // 4, 64)
        figures.add("raw 64", raw.rate(RAW, 64))
        figures.add("raw 8", raw.rate(RAW // 2, 8))
        figures.add("raw 1", raw.rate(RAW // 4, 1))
        with psycopg.connect(url, autocommit=True) as database:
            single = raw.single(database, SINGLE)
        figures.add("single median", single.median)
        figures.add("single p99", single.p99)


def acknowledging(on: Servers, people: Sequence[Participant], figures: Figures) -> None:
    """One intake and one relay: every message answered and its event confirmed, each connection waiting for its
    answers."""
    progress("intake and relay")
    laboratory = Laboratory(people)
    with hub(on, ("intake", "relay")) as at_work:
        at_work.send(laboratory.reports(WARM), CONNECTIONS)
        figures.add("ack 1", _rate(at_work, laboratory.reports(ALONE), 1, "confirmed"))
        with _counted(at_work, AT_ONCE, figures, "ack cpu"):
            most = _rate(at_work, laboratory.reports(AT_ONCE), CONNECTIONS, "confirmed")
        figures.add("ack 8", most)
        for share in (50, 80):
            rate = most * share / 100
            sent = at_work.send(laboratory.reports(int(rate * STEADY_SECONDS)), CONNECTIONS, rate)
            figures.add_all(f"ack {share}", milliseconds(sent.took))
            at_work.wait_until_no_event("confirmed")


def acknowledging_streams(on: Servers, people: Sequence[Participant], figures: Figures) -> None:
    """Two intakes and a relay: the same connections, with as many messages in flight as the raw rate has events."""
    progress("two intakes and a relay, 64 in flight")
    laboratory = Laboratory(people)
    with hub(on, ("intake", "intake", "relay")) as at_work:
        at_work.send(laboratory.reports(2 * WARM), CONNECTIONS, unanswered=UNANSWERED)
        at_work.wait_until_no_event("confirmed")
        with _counted(at_work, STREAMED, figures, "stream cpu"):
            most = _rate(at_work, laboratory.reports(STREAMED), CONNECTIONS, "confirmed", UNANSWERED)
        figures.add("stream", most)


def whole_road(on: Servers, people: Sequence[Participant], figures: Figures) -> None:
    """Every role: each result on a record, the letter wished, every event on the broker."""
    progress("the whole road")
    on.rabbit.restart()  # its memory shall be that of this work, not of the yardsticks'
    laboratory = Laboratory(people)
    with hub(on, ("intake", "relay", *["worker"] * WORKERS)) as at_work:
        at_work.send(laboratory.reports(WARM), CONNECTIONS)
        at_work.wait_until_no_event("finished")
        before = _letters(at_work)
        with _counted(at_work, ROAD, figures, "road cpu"):
            most = _rate(at_work, laboratory.reports(ROAD), CONNECTIONS, "finished")
        figures.add("road", most)
        figures.add("letters", (_letters(at_work) - before) / ROAD)
        after = at_work.rows("SELECT max(seq) FROM journal")[0][0]
        sent = at_work.send(laboratory.reports(int(most / 2 * STEADY_SECONDS)), CONNECTIONS, most / 2)
        figures.add_all("road ack 50", milliseconds(sent.took))
        at_work.wait_until_no_event("finished")
        figures.add_all("road letter 50", milliseconds(row[0] for row in at_work.rows(_LETTERS.format(after=after))))
        figures.add_all("memory", peak_mebibytes(at_work.groups))


def _rate(at_work: Hub, messages: list[bytes], connections: int, is_not: str, unanswered: int = 1) -> float:
    """Messages a second until each is answered, and each event confirmed, and with `finished` handled too."""
    sent: Sent = at_work.send(messages, connections, unanswered=unanswered)
    if is_not == "finished":
        at_work.wait_until_no_event("finished")
    return len(messages) / (at_work.wait_until_no_event("confirmed") - sent.began)


def _letters(at_work: Hub) -> int:
    count: int = at_work.rows("SELECT count(*) FROM letters WHERE state = 'wished'")[0][0]
    return count


@contextmanager
def _counted(at_work: Hub, messages: int, figures: Figures, name: str) -> Any:
    """The processor time of every process while the block lasts: milliseconds a message."""
    before = cpu_seconds(at_work.groups)
    yield
    after = cpu_seconds(at_work.groups)
    figures.add_all(name, {each: (after[each] - before[each]) * 1000 / messages for each in after})
