"""The cases of the story, told with synthetic people and three fictitious laboratories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from adapters.simulators.laboratory import batch, claim_of, in_latin_1, with_line_ends
from adapters.simulators.pds_people import Registered
from hub.demo.case import Case, Complaint, Sending, digest_of
from hub.demo.pds import with_pds
from hub.demo.teller import Teller
from hub.domain.codes import COMBINATIONS, Combination
from hub.domain.events import Version
from hub.domain.nhs_number import is_valid
from hub.domain.people import Claim, Participant
from hub.flow.ports.store import Transaction

STRANGER = Claim(
    family_name="Quillfeather",
    given_names=("Isolde",),
    date_of_birth=date(1987, 6, 5),
    sex="F",
    address_lines=("1 Nowhere Lane",),
    postcode="ZZ99 3CZ",
)
"""Somebody of whom the cohort has nobody like."""


@dataclass(frozen=True, slots=True)
class Story:
    """The cohort, whom PDS knows, the cases in the order they are told, and the ordinary day around them."""

    participants: list[Participant]
    registered: list[Registered]
    cases: list[Case]
    ordinary: list[Case]


def story(now: datetime, seed: int = 1, ordinary: int = 300) -> Story:
    """The whole story as of `now`; the same seed tells the same story."""
    teller = Teller(now, seed)
    tellers: Sequence[Callable[[Teller], Iterator[Case]]] = (
        _every_combination,
        _sent_again,
        _corrections_and_order,
        _persons_in_doubt,
        with_pds,
        _our_table,
        _against_the_rules,
        _wrong_in_itself,
        _not_taken,
        _files_and_bytes,
    )
    cases = [case for tell in tellers for case in tell(teller)]
    return Story(teller.cohort, teller.registered, cases, [_ordinary(teller) for _ in range(ordinary)])


def _ordinary(teller: Teller) -> Case:
    feed = teller.feed()
    return Case("an ordinary result", feed, (Sending(teller.told(feed, teller.person(), teller.result(feed))),))


def _every_combination(teller: Teller) -> Iterator[Case]:
    for combination in COMBINATIONS.values():
        feed = "northmoor" if combination.self_sample else teller.feed()
        kind = "self-sample" if combination.self_sample else "clinician's sample"
        result = teller.result(feed, combination.codes, self_sample=combination.self_sample)
        if combination.self_sample:
            result = replace(result, repeat_months=None)
        raw = teller.told(feed, teller.person(), result)
        yield Case(f"{combination.codes}, {kind}: {_ends_with(combination)}", feed, (Sending(raw),))


def _ends_with(combination: Combination) -> str:
    return "abnormal" if combination.abnormal else "normal"


def _sent_again(teller: Teller) -> Iterator[Case]:
    feed = teller.feed()
    raw = teller.told(feed, teller.person(), teller.result(feed))
    yield Case(
        "the same bytes again after AA: stored once", feed, (Sending(raw), Sending(raw)), _stored_once(feed, raw)
    )
    feed = teller.feed()
    person, result = teller.person(), teller.result(feed, "X0A")
    first = teller.told(feed, person, result, "SAMEID1")
    other = teller.told(
        feed, person, replace(result, result_code="2", infection_code="9", action_code="R", repeat_months=12), "SAMEID1"
    )
    again = Sending(other, ends=("duplicate-slide",), note="control id seen before")
    yield Case("the same control id and slide with another result", feed, (Sending(first), again))


def _corrections_and_order(teller: Teller) -> Iterator[Case]:
    feed, person = teller.feed(), teller.person()
    first = teller.result(feed, "X0A")
    second = replace(
        first, result_code="3", infection_code="9", action_code="S", version=Version.CORRECTED, authorised_at=teller.now
    )
    sendings = (Sending(teller.told(feed, person, first)), Sending(teller.told(feed, person, second)))
    yield Case("a correction replaces what stood on the record", feed, sendings, _stands(person, "39S"))
    feed, person = teller.feed(), teller.person()
    newer, older = teller.result(feed, "X0A"), teller.result(feed, "X0A", days_ago=1300)
    sendings = (Sending(teller.told(feed, person, newer)), Sending(teller.told(feed, person, older)))
    yield Case("an older result out of order: the date stays", feed, sendings, _due_after(person, newer.test_on))


def _persons_in_doubt(teller: Teller) -> Iterator[Case]:
    feed, person = teller.feed(), teller.person()
    claim = replace(claim_of(person), nhs_number=_spare_number(1))
    raw = teller.told(feed, claim, teller.result(feed))
    also = _first_candidate(feed, raw, person)
    yield Case("a wrong NHS number with right demographics", feed, (Sending(raw, ends=("unsure",)),), also)
    feed, person = teller.feed(), teller.person()
    claim = replace(claim_of(person), family_name=_misheard(person.family_name), former_family_names=())
    raw = teller.told(feed, claim, teller.result(feed))
    yield Case("a near-miss name", feed, (Sending(raw, ends=("unsure",)),), _first_candidate(feed, raw, person))
    feed = teller.feed()
    stranger = replace(STRANGER, nhs_number=_spare_number(2))
    raw = teller.told(feed, stranger, teller.result(feed))
    yield Case("a person nobody knows", feed, (Sending(raw, ends=("unknown",)),))
    feed = teller.feed()
    raw = teller.told(feed, STRANGER, teller.result(feed))
    yield Case("a missing NHS number is not a refusal", feed, (Sending(raw, ends=("unknown",)),))


def _our_table(teller: Teller) -> Iterator[Case]:
    feed = "southwick"
    raw = teller.told(feed, teller.person(), teller.result(feed)).replace(b"HPVNEG", b"HPVNOT")
    yield Case("a code our table does not know", feed, (Sending(raw, ends=("our-table",)),))


def _against_the_rules(teller: Teller) -> Iterator[Case]:
    for name, history, last, reason in (
        ("a second inadequate without referral", [("XUR", 100)], "19R", "second-inadequate"),
        ("a third HPV positive without referral", [("29R", 800), ("29R", 420)], "29R", "third-hpv-positive"),
        ("routine recall after a referral", [("39S", 300)], "X0A", "invalid-return-to-routine"),
    ):
        feed, person = teller.feed(), teller.person()
        before = [
            Sending(teller.told(feed, person, teller.result(feed, codes, days_ago=days))) for codes, days in history
        ]
        raw = teller.told(feed, person, teller.result(feed, last))
        sendings = (*before, Sending(raw, ends=(reason,)))
        yield Case(f"{name}: her letters wait", feed, sendings, _no_letter_goes_out(person))
    feed, person = "northmoor", teller.person()
    raw = teller.told(feed, person, teller.result(feed, "29R", repeat_months=7))
    yield Case(
        "repeat months nobody allows", feed, (Sending(raw, ends=("repeat-months",)),), _no_letter_goes_out(person)
    )


def _wrong_in_itself(teller: Teller) -> Iterator[Case]:
    feed = "northmoor"
    plain = teller.result(feed)
    for name, result, reason in (
        ("no slide number", replace(plain, slide_number=""), "missing-slide-number"),
        (
            "an invalid combination",
            replace(plain, result_code="2", infection_code="U", action_code="S"),
            "invalid-combination",
        ),
    ):
        raw = teller.told(feed, teller.person(), result)
        yield Case(name, feed, (Sending(raw, "AE", (), reason),))
    result = teller.result(feed)
    day = f"{result.test_on:%Y%m%d}".encode()
    raw = teller.told(feed, teller.person(), result).replace(day, b"20260231")
    yield Case("a day no calendar has", feed, (Sending(raw, "AE", (), "invalid-date"),))


def _not_taken(teller: Teller) -> Iterator[Case]:
    yield Case("bytes that are no message", "northmoor", (Sending(b"\x00\x01 not HL7 at all", "AR", (), "unreadable"),))
    raw = teller.told("northmoor", teller.person(), teller.result("northmoor"))
    unknown = raw.replace(b"|NORTHMOOR|", b"|NOWHERE|")
    yield Case("a sender nobody agreed with", "northmoor", (Sending(unknown, "AR", (), "unknown-sender"),))
    admission = raw.replace(b"|ORU^R01|", b"|ADT^A01|")
    yield Case("a message that is no result", "northmoor", (Sending(admission, "AR", (), "type-not-taken"),))


def _files_and_bytes(teller: Teller) -> Iterator[Case]:
    feed = "northmoor"
    good = [teller.told(feed, teller.person(), teller.result(feed)) for _ in range(5)]
    raw = batch(feed, good[:3], "BATCH1", teller.now)
    yield Case("a batch of three good messages", feed, (Sending(raw, ends=("recorded",) * 3),))
    bad = teller.told(feed, teller.person(), replace(teller.result(feed), slide_number=""))
    raw = batch(feed, [good[3], bad, good[4]], "BATCH2", teller.now)
    sending = Sending(raw, "AE", ("recorded", "recorded"), "missing-slide-number")
    yield Case("a batch with one bad message: the good ones are kept", feed, (sending,))
    accented = replace(claim_of(teller.person()), address_lines=("Café Cottage",))
    raw = in_latin_1(teller.told(feed, accented, teller.result(feed)))
    yield Case("Latin-1 bytes, no charset declared", feed, (Sending(raw, note="charset=cp1252"),))
    raw = with_line_ends(teller.told(feed, teller.person(), teller.result(feed)), b"\n")
    yield Case("LF line ends", feed, (Sending(raw, note="line-ends=LF"),))


def _spare_number(which: int) -> str:
    """A valid NHS number that nobody of the cohort has: theirs begin with 999."""
    first = 9_000_001_000 + 100 * which
    return next(number for number in map(str, range(first, first + 100)) if is_valid(number))


def _misheard(name: str) -> str:
    """One letter doubled: how a name comes over the telephone."""
    middle = len(name) // 2
    return name[:middle] + name[middle] + name[middle:]


def _stored_once(feed: str, raw: bytes) -> Callable[[Transaction], Complaint]:
    def also(tx: Transaction) -> Complaint:
        found = tx.journal.find(feed, digest_of(raw))
        entry = tx.journal.entry(found.seq) if found else None
        return "" if entry and entry.repeats == 1 else "the second copy was not recognised"

    return also


def _stands(person: Participant, codes: str) -> Callable[[Transaction], Complaint]:
    def also(tx: Transaction) -> Complaint:
        record = tx.records.get(person.participant_id) or {"results": []}
        found = [kept["combination"] for kept in record["results"]]
        return "" if found == [codes] else f"the record shows {found}"

    return also


def _due_after(person: Participant, test_on: date) -> Callable[[Transaction], Complaint]:
    def also(tx: Transaction) -> Complaint:
        summary = tx.records.summary(person.participant_id)
        record = tx.records.get(person.participant_id) or {"results": []}
        due = summary[1] if summary else None
        if len(record["results"]) != 2:
            return "the older result is not on the record"
        return "" if due and due.year >= test_on.year + 3 else "the next test due date moved"

    return also


def _first_candidate(feed: str, raw: bytes, person: Participant) -> Callable[[Transaction], Complaint]:
    def also(tx: Transaction) -> Complaint:
        entry = tx.journal.find(feed, digest_of(raw))
        rows = tx.results.of_message(entry.seq) if entry else []
        tasks = [task for row in rows for task in tx.tasks.of_result(row.result_id)]
        best = tasks[0].candidates[0]["participant_id"] if tasks and tasks[0].candidates else ""
        return "" if best == person.participant_id else "the right person is not the first candidate"

    return also


def _no_letter_goes_out(person: Participant) -> Callable[[Transaction], Complaint]:
    def also(tx: Transaction) -> Complaint:
        goes_out = any(letter.state == "wished" for letter in tx.letters.of(person.participant_id))
        return "a letter goes out while a task about her is open" if goes_out else ""

    return also
