"""The struct of a feed's table: what one laboratory's messages look like, as a TOML file under `mappings/feeds/`.

A table may locate a fact, translate a code or fix a constant. Whatever needs an `if` belongs into an adapter.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

DateForm = Literal["YYYYMMDD", "YYYYMMDDHHMM[SS]", "HL7", "DD/MM/YYYY", "DD/MM/YYYY hh:mm", "YYYY-MM-DD", "ISO"]
Status = Literal["live", "rehearsal", "deactivated"]


class Sender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the sender names itself in the header."""

    facility: Annotated[str, Meta(description="The sending facility: MSH-4.1; EDIFACT: UNB-2.1.", min_length=1)]
    application: Annotated[str, Meta(description="The sending application: first component of MSH-3. Empty: any.")] = ""


class Laboratory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who examines the slides, where results come by this feed."""

    code: Annotated[str, Meta(description="National laboratory code, five digits.", pattern="^([0-9]{5})?$")] = ""


class Clinic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who discharges, where discharges come by this feed."""

    code: Annotated[str, Meta(description="ODS code of the colposcopy clinic.", pattern="^([A-Z0-9]{3,10})?$")] = ""


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What proves that a message comes from this feed's sender. Over HTTP and MESH something must; over MLLP a feed
    that names neither certificate nor address is open to whoever reaches the door."""

    certificates: Annotated[
        tuple[str, ...], Meta(description="Common names of the client certificates the sender may show (MLLP, HTTP).")
    ] = ()
    addresses: Annotated[
        tuple[str, ...], Meta(description="Addresses or networks it may call from over MLLP: 10.1.2.3, 10.1.0.0/16.")
    ] = ()
    keys: Annotated[
        str,
        Meta(description="File (JWKS, beside the table) with its public keys, for signed client assertions over HTTP."),
    ] = ""
    mailbox: Annotated[str, Meta(description="The MESH mailbox it sends from, in capitals.", pattern="^[A-Z0-9]*$")] = (
        ""
    )


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the feed is answered beyond the immediate acknowledgement."""

    application_acknowledgement: Annotated[
        bool, Meta(description="Send the application acknowledgement that MSH-16 asks for, as a second message.")
    ] = False
    mailbox: Annotated[
        str, Meta(description="The MESH mailbox that confirmations of files, and refusals, are sent to. Empty: none.")
    ] = ""
    workflow: Annotated[str, Meta(description="The MESH workflow id they are sent under.")] = ""


class FileRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of a delimited file that speaks of the file: before the results, or behind them."""

    mark: Annotated[str, Meta(description="What stands in its first column: HDR, TRL.", min_length=1)]
    columns: Annotated[int, Meta(description="How many columns it has, this one included.", ge=1)]
    sequence: Annotated[int, Meta(description="The column of the file's number, from 1. 0: none.", ge=0)] = 0
    count: Annotated[int, Meta(description="The column of the number of result rows, from 1. 0: none.", ge=0)] = 0


class FileForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the sender's files are written. The first key is for all, `sheet` for workbooks, the rest for rows."""

    sequence_in_name: Annotated[
        str,
        Meta(description="Regular expression for the whole file name, with one group: the file's number. Empty: none."),
    ] = ""
    sheet: Annotated[
        str, Meta(description="Which worksheet of a workbook (XLSX). Empty: the only one that holds anything.")
    ] = ""
    separator: Annotated[Literal[",", "|", ";", "\t"], Meta(description="What stands between two columns.")] = ","
    quoting: Annotated[bool, Meta(description='Text may stand in "…", a " in it doubled. False: " is a letter.')] = True
    header: Annotated[
        bool, Meta(description="A row names the columns, and places are their names; else places are #1, #2.")
    ] = True
    columns: Annotated[int, Meta(description="How many columns a row has, where no row names them.", ge=0)] = 0
    opening: Annotated[FileRecord | None, Meta(description="The record before the results, if there is one.")] = None
    closing: Annotated[FileRecord | None, Meta(description="The record behind them: without it a cut is not seen.")] = (
        None
    )

    def sequence_of(self, name: str) -> str:
        """The number of a file as its name gives it; empty where it gives none."""
        found = re.fullmatch(self.sequence_in_name, name) if self.sequence_in_name else None
        return (found[1] or "") if found else ""


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is agreed for the weekly report to the laboratory."""

    ack_p95_ms: Annotated[
        int, Meta(description="The objective: 95 of 100 answers go out within so many milliseconds.", ge=1)
    ] = 1000


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, eq=False):
    """Where one fact stands (`place`) or what it always is (`constant`), and how its text is read."""

    # Compared by identity (eq=False), so that an adapter may keep what it worked out of a fact.

    place: Annotated[
        str | list[str] | None,
        Meta(
            description="Where it stands: PID-3.1, RSL-2.1, a column's name or #3; a list for facts of several parts "
            "(names, address)."
        ),
    ] = None
    constant: Annotated[str | None, Meta(description="What it always is on this feed, in national codes.")] = None
    where: Annotated[
        dict[str, str | list[str]],
        Meta(description='Only where the same segment and repetition hold these values: {"OBX-3.1" = "HPV"}.'),
    ] = {}
    form: Annotated[DateForm, Meta(description="How a date is written. HL7, ISO: the day alone, or with a time.")] = (
        "YYYYMMDD"
    )
    pattern: Annotated[str, Meta(description="Regular expression that the whole text must match.")] = ""
    characters: Annotated[
        str,
        Meta(description="Which characters are the fact: 1, or 1-3.", pattern="^([1-9][0-9]?(-[1-9][0-9]?)?)?$"),
    ] = ""
    codes: Annotated[str, Meta(description="Name of the [codes.NAME] table that translates it to national codes.")] = ""
    required: Annotated[
        bool,
        Meta(description="Refuse a message without it. Slide, test date, codes and flags are always required."),
    ] = False

    @property
    def places(self) -> tuple[str, ...]:
        """Every place of the fact; none for a constant."""
        if self.place is None:
            return ()
        return (self.place,) if isinstance(self.place, str) else tuple(self.place)


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, eq=False):
    """The facts a feed gives: who the person is said to be, then the result or the discharge."""

    nhs_number: Annotated[Fact | None, Meta(description="NHS number as the sender gives it; never refused.")] = None
    local_id: Annotated[Fact | None, Meta(description="The sender's own number for the person.")] = None
    family_name: Annotated[Fact | None, Meta(description="Family name now.")] = None
    given_names: Annotated[Fact | None, Meta(description="Given names, in order.")] = None
    former_family_names: Annotated[Fact | None, Meta(description="Family names of earlier times.")] = None
    date_of_birth: Annotated[Fact | None, Meta(description="Date of birth.")] = None
    sex: Annotated[Fact | None, Meta(description="Sex as the sender gives it.")] = None
    address_lines: Annotated[Fact | None, Meta(description="Address without postcode, in order.")] = None
    postcode: Annotated[Fact | None, Meta(description="Postcode.")] = None
    slide_number: Annotated[Fact | None, Meta(description="Slide number, unique within the laboratory.")] = None
    test_on: Annotated[Fact | None, Meta(description="Day the sample was taken.")] = None
    result_code: Annotated[Fact | None, Meta(description="Result (cytology) code: X, 0 to 9.")] = None
    infection_code: Annotated[Fact | None, Meta(description="HPV code: 0, 9, U; Q in history.")] = None
    action_code: Annotated[Fact | None, Meta(description="Action code: A, R, S, H.")] = None
    repeat_months: Annotated[Fact | None, Meta(description="Months to the next test; 0: none.")] = None
    self_sample: Annotated[Fact | None, Meta(description="Y if the person took the sample herself, else N.")] = None
    hpv_primary: Annotated[Fact | None, Meta(description="Y for HPV primary screening; N is refused.")] = None
    source_type: Annotated[Fact | None, Meta(description="Source of the sample, 1 to 7; 7 is NHS colposcopy.")] = None
    sender_code: Annotated[Fact | None, Meta(description="Practice or clinic that sent the sample.")] = None
    sample_taker_code: Annotated[Fact | None, Meta(description="Personal code of the sample taker.")] = None
    discharged_on: Annotated[Fact | None, Meta(description="Day colposcopy discharged her.")] = None
    seen_on: Annotated[Fact | None, Meta(description="Day she was last seen at the clinic.")] = None
    next_test_due_on: Annotated[Fact | None, Meta(description="The clinic's date for her next test.")] = None
    version: Annotated[
        Fact | None,
        Meta(description="final, corrected or withdrawn; only where the language has no status of its own."),
    ] = None
    authorised_at: Annotated[
        Fact | None,
        Meta(description="When this version was issued; only where the language has no such time of its own."),
    ] = None

    def declared(self) -> Iterator[tuple[str, Fact]]:
        """Each fact this feed gives, with its name."""
        for name in self.__struct_fields__:
            if (fact := getattr(self, name)) is not None:
                yield name, fact


class FeedTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One feed: a laboratory's, or a clinic's."""

    feed: Annotated[str, Meta(description="The feed's id; the file is named after it.", pattern="^[a-z][a-z0-9_]*$")]
    name: Annotated[str, Meta(description="The partner's name, for people.", min_length=1)]
    dialect: Annotated[str, Meta(description="The adapter that reads the feed, e.g. hl7v2_oru.")]
    status: Annotated[
        Status, Meta(description="live; rehearsal: taken at the rehearsal door only; deactivated: stored, answered AR.")
    ]
    sender: Sender
    facts: Facts
    laboratory: Laboratory = Laboratory()
    clinic: Clinic = Clinic()
    timezone: Annotated[str, Meta(description="Times without an offset are read in this zone.")] = "Europe/London"
    charset: Annotated[str, Meta(description="The charset to expect; another is taken, and noted. Empty: any.")] = ""
    access: Access = Access()
    answer: Answer = Answer()
    file: FileForm = FileForm()
    report: Report = Report()
    codes: Annotated[
        dict[str, dict[str, str]], Meta(description="Translation tables: the sender's code = the national code.")
    ] = {}

    @property
    def zone(self) -> ZoneInfo:
        return _zone(self.timezone)


@functools.lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
