"""A lean laboratory: ready frames over a few connections, each of which waits for its answer before it sends the next,
or has a few unanswered.

Run as a program, so that what it costs is not counted with what it measures:

    python -m tests.bench.sender PORTS FILE CONNECTIONS UNANSWERED RATE

PORTS are those of one or more intakes (`2575,2576`), among which the connections are dealt out. FILE holds MLLP
frames. UNANSWERED: how many a connection may have on their way at once. RATE 0 sends as fast as the answers come.
Otherwise message n is due at n / RATE seconds, goes over whichever connection is free, and its answer is timed from
when it was due: a hub that falls behind is not spared.
Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, socket
from time import monotonic

START, END = b"\x0b", b"\x1c\r"
GOOD = b"MSA|AA|"


def frames(messages: Sequence[bytes]) -> bytes:
    """The messages as the file of this program holds them."""
    return b"".join(START + message + END for message in messages)


@dataclass(slots=True)
class _Line:
    """One connection; `due` is when what is unanswered on it was due, oldest first."""

    socket: socket
    due: deque[float] = field(default_factory=deque)
    answer: bytes = b""


@dataclass(slots=True)
class Sent:
    """When it began and ended (monotonic, so the same for all processes), and the seconds each answer took."""

    began: float
    ended: float = 0.0
    refused: int = 0
    took: list[float] = field(default_factory=list)


def _connect(port: int) -> _Line:
    line = create_connection(("127.0.0.1", port))
    line.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    return _Line(line)


def send(ports: Sequence[int], ready: Sequence[bytes], connections: int, unanswered: int, rate: float) -> Sent:
    lines = [_connect(ports[number % len(ports)]) for number in range(connections)]
    free = deque(line for _ in range(unanswered) for line in lines)
    by_socket = {line.socket: line for line in lines}
    sent, number, total = Sent(monotonic()), 0, len(ready)
    while len(sent.took) < total:
        rest = 5.0
        while free and number < total:
            now = monotonic()
            due = sent.began + number / rate if rate else now
            if due > now:
                rest = due - now
                break
            line = free.popleft()
            line.due.append(due)
            line.socket.sendall(ready[number])
            number += 1
        free.extend(_answered(by_socket, rest, sent))
    sent.ended = monotonic()
    return sent


def _answered(by_socket: dict[socket, _Line], rest: float, sent: Sent) -> list[_Line]:
    """The connections with an answer that has come within `rest` seconds, as often as one has."""
    done = []
    for each in select([one for one, line in by_socket.items() if line.due], (), (), rest)[0]:
        line = by_socket[each]
        came = each.recv(65536)
        if not came:
            raise ConnectionError("the hub has hung up")
        *answers, line.answer = (line.answer + came).split(END)
        for answer in answers:
            sent.took.append(monotonic() - line.due.popleft())
            sent.refused += GOOD not in answer
            done.append(line)
    return done


def main(ports: str, file: str, connections: str, unanswered: str, rate: str) -> None:
    ready = [part + END for part in Path(file).read_bytes().split(END) if part]
    sent = send([int(port) for port in ports.split(",")], ready, int(connections), int(unanswered), float(rate))
    told = {"began": sent.began, "ended": sent.ended, "refused": sent.refused, "took": sent.took}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
