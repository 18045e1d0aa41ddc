"""When an answer went out is written down a little later, in groups, and costs the way to the answer nothing."""

from __future__ import annotations

from datetime import timedelta

from hub.flow.replies import ReplyLedger
from tests.flow.scene import Scene


async def test_the_time_of_sending_is_kept_beside_the_state(scene: Scene) -> None:
    ledger = ReplyLedger(scene.store, lambda: scene.now)
    tokens = [(await scene.send(scene.message(scene.person(), scene.result()))).reply_seq for _ in range(3)]
    received_at = scene.now
    scene.now += timedelta(milliseconds=40)
    ledger.replied(tokens[0], True)
    scene.now += timedelta(milliseconds=40)
    ledger.replied(tokens[1], False)
    ledger.replied(tokens[0], True)  # the same bytes came again
    await ledger.write_down()
    entries = scene.read(lambda tx: tx.journal.newest(3))
    assert [entry.reply_state for entry in entries] == ["sent", "undelivered", "owed"]
    replies = [scene.read(lambda tx, seq=entry.seq: tx.journal.replies(seq)[0]) for entry in entries]
    assert [reply.sent_at and reply.sent_at - received_at for reply in replies] == [
        timedelta(milliseconds=80), None, None,
    ]  # fmt: skip
