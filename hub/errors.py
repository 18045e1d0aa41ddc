"""How a message stops, and every reason a person may read.

    Stop                 a message (or one result of it) goes no further by itself
    ├── Reject           the sender must act: answered AE (content) or AR (unreadable, unknown, not taken)
    ├── Park             a clerk must act: answered AA, becomes a task
    └── Retry            nobody must act: the hub tries again by itself

A `Stop` never carries a value from a message: its text may reach a log. It names the reason and the place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class _Words:
    code: str
    sentence: str
    answer: str
    hl7_code: str = "207"


class Reason(Enum):
    """Every reason the hub gives. `code` is stable (metrics, JSON); `sentence` is what a person reads;
    `answer` is the acknowledgement it leads to; `hl7_code` is the entry of HL7 table 0357 put into ERR-3."""

    # The sender must act: nothing could be read, or it is not for us (AR).
    UNREADABLE = _Words(
        "unreadable", "The bytes cannot be read in the language agreed for this door. Send them in it.", "AR", "100"
    )
    INCOMPLETE = _Words("incomplete", "Only the beginning of the message came. Send it again whole.", "AR", "100")
    HEADER_INCOMPLETE = _Words(
        "header-incomplete",
        "The message header lacks what is needed to identify the message. Fill the field named.",
        "AR",
        "101",
    )
    UNKNOWN_SENDER = _Words(
        "unknown-sender",
        "No feed is agreed with this sender. Check how the message names it.",
        "AR",
        "103",
    )
    SENDER_NOT_PROVEN = _Words(
        "sender-not-proven",
        "The connection does not prove the sender that the message names. Use the certificate, address or mailbox "
        "agreed for this feed.",
        "AR",
        "103",
    )
    WRONG_DOOR = _Words(
        "wrong-door",
        "Live results and rehearsals have doors of their own, and this is the other one. Send to the one agreed for "
        "this feed.",
        "AR",
        "207",
    )
    SENDER_DEACTIVATED = _Words("sender-deactivated", "This feed has been closed. Ask call and recall.", "AR", "207")
    TYPE_NOT_TAKEN = _Words("type-not-taken", "This type of message is not taken on this feed.", "AR", "200")
    TOO_LARGE = _Words(
        "too-large", "The message is larger than this door takes. Split it, or ask for a larger limit.", "AR", "207"
    )

    # The sender must act: the content is wrong in itself (AE).
    MISSING_DATA = _Words("missing-data", "A required field is empty. Fill it and send the message again.", "AE", "101")
    MALFORMED = _Words(
        "malformed", "This is not put together as agreed, so that its parts cannot be told apart.", "AE", "100"
    )
    NO_RESULT = _Words(
        "no-result", "The message carries no result. Send a message with the results in it.", "AE", "100"
    )
    MISSING_SLIDE_NUMBER = _Words(
        "missing-slide-number", "The slide number is missing. Fill it and send again.", "AE", "101"
    )
    INVALID_SLIDE_NUMBER = _Words(
        "invalid-slide-number", "The slide number is not one this laboratory's feed allows.", "AE", "102"
    )
    INVALID_DATE = _Words("invalid-date", "This is not a possible date in the agreed form.", "AE", "102")
    TEST_IN_FUTURE = _Words(
        "test-date-in-future", "The test date lies in the future. Correct it and send again.", "AE", "102"
    )
    TEST_BEFORE_BIRTH = _Words("test-date-before-birth", "The test date lies before the date of birth.", "AE", "102")
    INVALID_VALUE = _Words("invalid-value", "The value is not of the form agreed for this field.", "AE", "102")
    INVALID_COMBINATION = _Words(
        "invalid-combination", "Result, HPV and action code do not form a valid combination.", "AE", "102"
    )
    NOT_HPV_PRIMARY = _Words("not-hpv-primary", "The HPV primary screening flag cannot be N.", "AE", "102")
    NOT_FINAL = _Words(
        "not-final", "Only final, corrected or withdrawn results are taken. Send it when it is final.", "AE", "103"
    )
    CONFLICTING_VALUES = _Words(
        "conflicting-values", "The same fact is given twice with different values.", "AE", "102"
    )
    NO_PERSON = _Words(
        "no-person", "Neither NHS number nor name and date of birth say whose result this is.", "AE", "101"
    )

    # A clerk must act (AA).
    UNSURE = _Words("unsure", "The person is not certain: a clerk chooses among the candidates.", "AA", "0")
    UNKNOWN = _Words("unknown", "Nobody of the cohort fits: a clerk decides.", "AA", "0")
    OUR_TABLE = _Words(
        "our-table", "The laboratory's code is not in our table: an engineer mends the table, then replays.", "AA", "0"
    )
    DUPLICATE_SLIDE = _Words(
        "duplicate-slide", "This laboratory has already sent another result for this slide number.", "AA", "0"
    )
    SECOND_INADEQUATE = _Words(
        "second-inadequate",
        "This is the second inadequate or unavailable result in a row: colposcopy is required.",
        "AA",
        "0",
    )
    THIRD_HPV_POSITIVE = _Words(
        "third-hpv-positive", "This is the third HPV positive result in a row: colposcopy is required.", "AA", "0"
    )
    INVALID_RETURN_TO_ROUTINE = _Words(
        "invalid-return-to-routine", "Routine recall does not follow from the history.", "AA", "0"
    )
    REPEAT_MONTHS = _Words(
        "repeat-months", "The repeat months are not among those the programme allows here.", "AA", "0"
    )
    CEASED = _Words(
        "ceased",
        "She was ceased before this test: a clerk decides whether it counts and she is called again.",
        "AA",
        "0",
    )
    DISCHARGE_OF_DECEASED = _Words(
        "discharge-deceased", "She is ceased because she has died: a clerk looks at whose discharge it is.", "AA", "0"
    )
    DISCHARGE_OF_CEASED = _Words(
        "discharge-ceased",
        "She is ceased: a clerk decides whether she is to be called again after this discharge.",
        "AA",
        "0",
    )
    DISCHARGE_NOT_ELIGIBLE = _Words(
        "discharge-not-eligible", "She is not eligible for call and recall: a clerk decides.", "AA", "0"
    )
    DISCHARGE_DATE = _Words(
        "discharge-date", "The clinic's date is not among those the programme allows: a clerk asks for it.", "AA", "0"
    )
    DISCHARGE_OVERTAKEN = _Words(
        "discharge-overtaken", "A later test, or a later decision, sets her date already: a clerk decides.", "AA", "0"
    )
    DISCHARGE_DISAGREES = _Words(
        "discharge-disagrees", "The clinic's date does not agree with her last result: a clerk decides.", "AA", "0"
    )
    OUR_FAULT = _Words("our-fault", "The hub failed on this message: an engineer looks at it.", "AA", "0")

    # Nobody must act.
    STORE_AWAY = _Words("store-away", "The hub cannot store just now. Send the message again.", "", "207")
    BROKER_AWAY = _Words("broker-away", "The broker cannot be reached just now. Events wait in the outbox.", "", "207")
    MESH_AWAY = _Words(
        "mesh-away", "MESH cannot be used just now. What came waits there, what is to go waits here.", "", "207"
    )
    EVENTS_AWAY = _Words(
        "events-away", "The queue with events of PDS cannot be reached just now. What came waits there.", "", "207"
    )
    PDS_AWAY = _Words("pds-away", "PDS does not answer just now. The question is asked again later.", "", "207")
    NOTIFY_AWAY = _Words(
        "notify-away", "NHS Notify does not answer just now. What people are to be told waits here.", "", "207"
    )
    NOT_NOW = _Words("not-now", "The hub cannot do this just now and tries again by itself.", "", "207")

    @property
    def code(self) -> str:
        return self.value.code

    @property
    def sentence(self) -> str:
        return self.value.sentence

    @property
    def answer(self) -> str:
        return self.value.answer

    @property
    def hl7_code(self) -> str:
        return self.value.hl7_code


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a message something stands, in the dialect's own notation, ready for a person and for ERR-2.

    `text` is what a person reads (`OBX[3]-5.1`); `parts` is the same for a machine, outermost first
    (HL7 v2: segment, occurrence, field, repetition, component, sub-component; shorter where it does not go so deep).
    """

    text: str
    parts: tuple[str, ...] = ()


class Stop(Exception):
    """A message, or one result of it, goes no further by itself. `hint` is safe text: never a value of the message."""

    def __init__(self, reason: Reason, place: Place | None = None, hint: str = "") -> None:
        self.reason = reason
        self.place = place
        self.hint = hint
        where = f" at {place.text}" if place else ""
        super().__init__(f"{reason.code}{where}{': ' + hint if hint else ''}")


class Reject(Stop):
    """The sender must act. `slide_number` is of the refused result, where it could be read: by it the laboratory asks
    what became of the result. It stands in no text."""

    slide_number = ""


class Park(Stop):
    """A clerk must act."""


class Retry(Stop):
    """Nobody must act: the hub tries again by itself. `whole`: it is nobody's fault, and whatever else is asked of the
    same part just now fails as well. `after`: how many seconds the part wants to be left alone, where it says so.
    `soon`: whether trying again within the same task may help."""

    whole = False
    after: float | None = None
    soon = True


class CannotRun(Exception):
    """A command cannot do its work (bad settings, port taken, file absent): exit code 2 and this one sentence."""
