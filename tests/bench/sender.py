"""A lean laboratory: ready frames over a few connections, each of which waits for its answer before it sends the next.

Run as a program, so that what it costs is not counted with what it measures:

    python -m tests.bench.sender PORT FILE CONNECTIONS RATE

FILE holds MLLP frames. RATE 0 sends as fast as the answers come. Otherwise message n is due at n / RATE seconds, goes
over whichever connection is free, and its answer is timed from when it was due: a hub that falls behind is not spared.
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
    """One connection; `due` is when what it has just sent was due."""

    socket: socket
    due: float = 0.0
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


def send(port: int, ready: Sequence[bytes], connections: int, rate: float) -> Sent:
    free = deque(_connect(port) for _ in range(connections))
    busy: dict[socket, _Line] = {}
    sent, number, total = Sent(monotonic()), 0, len(ready)
    while number < total or busy:
        rest = 5.0
        while free and number < total:
            now = monotonic()
            due = sent.began + number / rate if rate else now
            if due > now:
                rest = due - now
                break
            line = free.popleft()
            line.due = due
            busy[line.socket] = line
            line.socket.sendall(ready[number])
            number += 1
        free.extend(_answered(busy, rest, sent))
    sent.ended = monotonic()
    return sent


def _answered(busy: dict[socket, _Line], rest: float, sent: Sent) -> list[_Line]:
    """The connections whose answer has come within `rest` seconds."""
    done = []
    for each in select(list(busy), (), (), rest)[0]:
        line = busy[each]
        line.answer += each.recv(65536)
        if line.answer.endswith(END):
            sent.took.append(monotonic() - line.due)
            sent.refused += GOOD not in line.answer
            line.answer = b""
            done.append(busy.pop(each))
        elif not line.answer:
            raise ConnectionError("the hub has hung up")
    return done


def main(port: str, file: str, connections: str, rate: str) -> None:
    ready = [part + END for part in Path(file).read_bytes().split(END) if part]
    sent = send(int(port), ready, int(connections), float(rate))
    told = {"began": sent.began, "ended": sent.ended, "refused": sent.refused, "took": sent.took}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
