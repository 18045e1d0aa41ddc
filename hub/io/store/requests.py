"""What partners called their requests, so that one that is repeated gets the same answer."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from hub.flow.ports.journal import StoredReply
from hub.flow.ports.partners import RequestRow
from hub.io.store.room import Room
from hub.io.store.schema import journal, replies, requests
from hub.io.store.statements import Several, insert_or_leave

_KNOWN = Several(
    select(
        requests,
        replies.c.code,
        replies.c.reason,
        replies.c.place,
        replies.c.body,
        replies.c.answered_at,
        replies.c.then,
        journal.c.state,
    )
    .join(replies, replies.c.seq == requests.c.reply_seq)
    .join(journal, journal.c.seq == requests.c.journal_seq),
    requests.c.feed,
    requests.c.request_id,
)


class SqlRequests(Room):
    """See `hub.flow.ports.partners.Requests`."""

    def known(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[RequestRow, StoredReply, str]]:
        """Of these (feed, request id) those that came before: with the reply they got and the message's state."""
        rows = _KNOWN.rows(self._connection, [feed for feed, _ in names], [request_id for _, request_id in names])
        found = {}
        for row in rows:
            request = RequestRow(row.feed, row.request_id, row.digest, row.journal_seq, row.reply_seq)
            reply = StoredReply(
                row.code, row.reason, row.place, row.body, row.answered_at, row.then, seq=request.reply_seq
            )
            found[(row.feed, row.request_id)] = request, reply, row.state
        return {name: found[name] for name in names if name in found}

    def put(self, request: RequestRow) -> bool:
        """False where another process has just named one so: on PostgreSQL this waits until that is certain."""
        values = {name: getattr(request, name) for name in RequestRow.__slots__}
        return insert_or_leave(self._connection, requests, values)
