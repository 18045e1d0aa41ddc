"""Fills a database with a plausible past: messages answered, events finished, results on records, letters wished.

A hub in its first minute is no measure: PostgreSQL plans on what it knows of its tables, and keeps what it has planned.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

_STATEMENTS = (
    """
    INSERT INTO journal (feed, digest, door, peer, received_at, control_id, message_type, state, results, notes,
        traceparent, raw)
    SELECT 'northmoor', encode(sha256(('grown' || n)::bytea), 'hex'), 'mllp', '127.0.0.1',
        now() - interval '90 days' + n * interval '5 seconds', 'G' || n, 'ORU^R01^ORU_R01', 'accepted', 1, '[]',
        '00-' || md5(n::text) || '-' || left(md5(n::text), 16) || '-01', decode(repeat(md5(n::text), 62), 'hex')
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
    """,
    """
    INSERT INTO replies (journal_seq, answered_at, code, reason, place, body, "then", state, sent_at)
    SELECT seq, received_at, 'AA', '', '', decode(repeat(md5(control_id), 8), 'hex'), NULL, 'sent',
        received_at + interval '20 milliseconds'
    FROM journal WHERE seq > %(after)s
    """,
    """
    INSERT INTO slides (journal_seq, position, feed, slide_number, reason, place)
    SELECT seq, '1.1', feed, 'H' || seq, '', '' FROM journal WHERE seq > %(after)s
    """,
    """
    INSERT INTO outbox (event_id, type, subject, feed, digest, position, supersedes, traceparent, occurred_at, data,
        confirmed_at, finished_at)
    SELECT md5('event' || seq)::uuid::text, 'ResultReported', md5('result' || seq)::uuid::text, feed, digest, '1.1', '',
        traceparent, received_at, decode(repeat(md5(control_id), 45), 'hex'), received_at, received_at
    FROM journal WHERE seq > %(after)s
    """,
    """
    INSERT INTO inbox (event_id, consumer, handled_at)
    SELECT md5('event' || seq)::uuid::text, 'records', received_at FROM journal WHERE seq > %(after)s
    """,
    """
    INSERT INTO results (result_id, journal_seq, feed, digest, position, event_id, type, laboratory_code, slide_number,
        version, authorised_at, state, data)
    SELECT md5('result' || seq)::uuid::text, seq, feed, digest, '1.1', md5('event' || seq)::uuid::text,
        'ResultReported', '69001', 'H' || seq, 'F', received_at, 'recorded', decode(repeat(md5(control_id), 45), 'hex')
    FROM journal WHERE seq > %(after)s
    """,
    """
    INSERT INTO matches (match_id, result_id, participant_id, how, "by", why, matched_at, undone_at, undone_by)
    SELECT md5('match' || seq)::uuid::text, md5('result' || seq)::uuid::text, {whose}, 'automatic', 'hub', '',
        received_at, NULL, ''
    FROM journal WHERE seq > %(after)s
    """,
    """
    INSERT INTO facts (fact_id, participant_id, kind, data, recorded_at)
    SELECT md5('fact' || seq)::uuid::text, {whose}, 'result', decode(repeat(md5(control_id), 30), 'hex'), received_at
    FROM journal WHERE seq > %(after)s
    """,
    """
    INSERT INTO records (participant_id, recall_type, next_test_due_on, policy, data, folded_at)
    SELECT DISTINCT ON (1) {whose}, 'routine', now()::date, 'bench', decode(repeat(md5(control_id), 30), 'hex'),
        received_at
    FROM journal WHERE seq > %(after)s ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO letters (letter_id, participant_id, result_id, code, state, why, changed_at)
    SELECT md5('letter' || seq)::uuid::text, {whose}, md5('result' || seq)::uuid::text, 'NR', 'wished', '', received_at
    FROM journal WHERE seq > %(after)s
    """,
)
_WHOSE = "(%(people)s::text[])[1 + seq %% cardinality(%(people)s::text[])]"


def grow(url: str, before: int, size: int, people: Sequence[str]) -> None:
    """From so many messages to so many. `people` are participants whose results nothing will be done with: what is
    filled in as theirs is no readable event."""
    with psycopg.connect(url, autocommit=True) as database:
        row = database.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
        assert row is not None
        given = {"first": before + 1, "last": size, "after": row[0], "people": list(people)}
        for statement in _STATEMENTS:
            database.execute(statement.replace("{whose}", _WHOSE), given)
        database.execute("VACUUM ANALYZE")
        database.execute("CHECKPOINT")
