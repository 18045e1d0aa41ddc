"""Three fictitious laboratories, as they would write their messages: the other side of `mappings/feeds/*.toml`.

Pure: a person and a result in, the bytes of an ORU^R01 out. Each layout is written by hand and knows nothing of the
hub's tables, so that the two can disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.domain.events import TestResult, Version
from hub.domain.people import Claim, Participant

_LONDON = ZoneInfo("Europe/London")
_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"})

Fields = Mapping[int, str]


@dataclass(frozen=True, slots=True)
class _Laboratory:
    """`code` is the national code; `slide` forms a slide number of a two-digit year and a running number."""

    code: str
    application: str
    facility: str
    charset: str
    slide: Callable[[int, int], str]
    segments: Callable[[_Order], list[str]]


@dataclass(frozen=True, slots=True)
class _Order:
    """What one message says. `at` is when it is sent; texts are escaped by the layout."""

    person: Claim
    result: TestResult
    control_id: str
    at: datetime
    hpv_primary: bool


def claim_of(person: Claim | Participant) -> Claim:
    """What a laboratory that writes everything down rightly would claim of a participant."""
    if isinstance(person, Claim):
        return person
    return Claim(
        nhs_number=person.nhs_number,
        family_name=person.family_name,
        given_names=person.given_names,
        former_family_names=person.former_family_names,
        date_of_birth=person.date_of_birth,
        sex="F",
        address_lines=person.address_lines,
        postcode=person.postcode,
    )


def laboratory_code(feed_id: str) -> str:
    """The national code of the laboratory."""
    return LABORATORIES[feed_id].code


def slide_number(feed_id: str, year: int, number: int) -> str:
    """A slide number as this laboratory forms them; the same for the same number."""
    return LABORATORIES[feed_id].slide(year % 100, number)


def report(
    feed_id: str,
    person: Claim | Participant,
    result: TestResult,
    control_id: str,
    at: datetime,
    *,
    hpv_primary: bool = True,
) -> bytes:
    """An ORU^R01 in this laboratory's layout, segments ended by CR. A corrected or withdrawn `result.version` is said
    the way this laboratory says it. Southwick has no way to state months with routine recall or referral. A letter that
    the laboratory's charset lacks is printed as a question mark, as its printers do."""
    laboratory = LABORATORIES[feed_id]
    lines = laboratory.segments(_Order(claim_of(person), result, control_id, at, hpv_primary))
    return "".join(f"{line}\r" for line in lines).encode(laboratory.charset, "replace")


def batch(feed_id: str, messages: Sequence[bytes], control_id: str, at: datetime) -> bytes:
    """Messages in one file with one batch: FHS, BHS, the messages, BTS, FTS."""
    laboratory = LABORATORIES[feed_id]
    head = {2: "^~\\&", 3: laboratory.application, 4: laboratory.facility, 7: _local(at), 11: _text(control_id)}
    before = f"{_segment('FHS', head)}\r{_segment('BHS', head)}\r"
    after = f"BTS|{len(messages)}\rFTS|1\r"
    return before.encode("ascii") + b"".join(messages) + after.encode("ascii")


def with_line_ends(message: bytes, line_end: bytes) -> bytes:
    """The message as a sender with other habits ends its segments: `b"\\n"` or `b"\\r\\n"`."""
    return message.replace(b"\r", line_end)


def in_latin_1(message: bytes) -> bytes:
    """The message in single bytes, with no charset declared: accents turn into bytes that are no UTF-8. Eastvale always
    writes so; its messages come back as they are."""
    if b"|UNICODE UTF-8" not in message:
        return message
    return message.decode("utf-8").replace("|UNICODE UTF-8", "").encode("cp1252", "replace")


def _northmoor(order: _Order) -> list[str]:
    result = order.result
    status = _status(result, corrected="C", withdrawn="X")
    observations = {
        "CYT": result.result_code,
        "HPV": result.infection_code,
        "ACT": result.action_code,
        "RPT": str(result.repeat_months or 0),
        "SLF": _yes(result.self_sample, "Y", "N"),
        "HPP": _yes(order.hpv_primary, "Y", "N"),
    }
    person = order.person
    former = [f"{_text(name)}^{_text(*person.given_names[:1])}^^^^^M" for name in person.former_family_names]
    pid = {
        1: "1",
        3: "~".join([f"{_text(person.nhs_number)}^^^NHS^NH", f"{_text(person.local_id)}^^^NMLIMS^PI"]),
        5: "~".join([f"{_name(person)}^^^^L", *former]),
        **_born(person),
        11: _address(person, 4),
    }
    obr = {
        1: "1",
        3: f"{_text(result.slide_number)}^NMLIMS",
        4: "CERV^Cervical screening^L",
        7: f"{result.test_on:%Y%m%d}",
        10: _text(result.sample_taker_code),
        15: _text(result.source_type),
        16: _text(result.sender_code),
        22: _local(result.authorised_at),
        25: status,
    }
    lines = [_msh("northmoor", order, "2.4", "UNICODE UTF-8"), _segment("PID", pid), _segment("OBR", obr)]
    if result.version is Version.WITHDRAWN:
        return lines
    return lines + [_obx(n, "ST", code, text, status) for n, (code, text) in enumerate(observations.items(), 1)]


def _eastvale(order: _Order) -> list[str]:
    result, person = order.result, order.person
    status = _status(result, corrected="C", withdrawn="W")
    number = person.nhs_number or ""
    pid = {
        1: "1",
        2: _text(f"{number[:3]} {number[3:6]} {number[6:]}" if len(number) == 10 else number),
        3: _text(person.local_id),
        5: _name(person),
        **_born(person),
        9: "~".join(_text(name) for name in person.former_family_names),
        11: _address(person, 3),
    }
    obr = {
        1: "1",
        4: "CSP^Cervical screening programme^EV",
        7: f"{result.test_on:%Y%m%d}1015+0000",
        10: _text(result.sample_taker_code),
        15: _yes(result.self_sample, "SELF", "LBC"),
        20: _text(result.slide_number),
        22: result.authorised_at.strftime("%Y%m%d%H%M%S%z"),
        25: "F",
    }
    observations = [
        ("CE", "CSRES^Cervical screening result", f"{result.combination}^Result, HPV and action^EV"),
        ("NM", "CSMTH^Months to next test", str(result.repeat_months or 0)),
        ("ST", "CSSRC^Source of sample", _text(result.source_type)),
    ]
    return [
        _msh("eastvale", order, "2.3", ""),
        _segment("PID", pid),
        _segment("PV1", {1: "1", 2: "N", 3: f"^^^{_text(result.sender_code)}"}),
        _segment("OBR", obr),
        *(_obx(n, kind, code, text, status) for n, (kind, code, text) in enumerate(observations, 1)),
    ]


_SOUTHWICK_CYTOLOGY = dict(
    zip("X0123456789", ["NONE", "GLNC", "INAD", "NEG", "LOW", "SEV", "INV", "GLEN", "MOD", "BSQ", "BEN"], strict=True)
)
_SOUTHWICK_HPV = {"0": "HPVNEG", "9": "HPVPOS", "U": "HPVFAIL"}
_SOUTHWICK_ACTION = {"A": "RR", "S": "COLP", "H": "NOCHG"}
_SOUTHWICK_SOURCE = dict(zip("1234567", ["GP", "COMM", "SXH", "HOSP", "DMS", "OTHER", "COLP"], strict=True))


def _southwick(order: _Order) -> list[str]:
    result, person = order.result, order.person
    status = _status(result, corrected="C", withdrawn="X")
    observations = [("DT", "TAKEN", f"{result.test_on:%d/%m/%Y}")]
    if result.version is not Version.WITHDRAWN:
        cytology = _SOUTHWICK_CYTOLOGY.get(result.result_code, result.result_code)
        observations += [
            ("CE", "HRHPV", f"{_SOUTHWICK_HPV.get(result.infection_code, result.infection_code)}^^SWK"),
            ("CE", "CYTO", f"CYT{cytology}^^SWK"),
            ("CE", "RECALL", _SOUTHWICK_ACTION.get(result.action_code, f"ER{result.repeat_months}") + "^^SWK"),
            ("CE", "SELF", _yes(result.self_sample, "YES", "NO")),
            ("CE", "PRIMARY", _yes(order.hpv_primary, "YES", "NO")),
        ]
    pid = {
        1: "1",
        3: "~".join([_text(person.nhs_number), _text(person.local_id)]).rstrip("~"),
        5: "~".join([_name(person), *(_text(name) for name in person.former_family_names[:1])]),
        **_born(person),
        11: _address(person, 4),
    }
    source = _SOUTHWICK_SOURCE.get(result.source_type or "", "")
    return [
        _msh("southwick", order, "2.5.1", "UNICODE UTF-8"),
        _segment("PID", pid),
        _segment("OBR", {1: "1", 4: "CERVLBC^^SWK", 22: _local(result.authorised_at), 25: status}),
        *(_obx(n, kind, code, text, "F") for n, (kind, code, text) in enumerate(observations, 1)),
        _segment("SPM", {1: "1", 2: f"^{_text(result.slide_number)}&SWK", 4: "CVX", 8: source}),
        _segment("ZCS", {1: _text(result.sender_code), 2: _text(result.sample_taker_code), 3: "END"}),
    ]


def _msh(feed_id: str, order: _Order, version: str, charset: str) -> str:
    laboratory = LABORATORIES[feed_id]
    return _segment(
        "MSH",
        {
            2: "^~\\&",
            3: laboratory.application,
            4: laboratory.facility,
            5: "SCREENING-HUB",
            6: "CSMS",
            7: _local(order.at),
            9: "ORU^R01",
            10: _text(order.control_id),
            11: "P",
            12: version,
            18: charset,
        },
    )


def _segment(name: str, fields: Fields) -> str:
    """A segment of its fields by number; a header counts its separator as field 1."""
    first = 2 if name in ("MSH", "FHS", "BHS") else 1
    last = max((number for number, text in fields.items() if text), default=first)
    return "|".join([name, *(fields.get(number, "") for number in range(first, last + 1))])


def _obx(number: int, kind: str, code: str, text: str, status: str) -> str:
    return _segment("OBX", {1: str(number), 2: kind, 3: code, 5: text, 11: status})


def _status(result: TestResult, corrected: str, withdrawn: str) -> str:
    return {Version.FINAL: "F", Version.CORRECTED: corrected, Version.WITHDRAWN: withdrawn}[result.version]


def _name(person: Claim) -> str:
    return "^".join([_text(person.family_name), *(_text(name) for name in (*person.given_names, "", "")[:2])])


def _born(person: Claim) -> dict[int, str]:
    return {7: f"{person.date_of_birth:%Y%m%d}" if person.date_of_birth else "", 8: _text(person.sex)}


def _address(person: Claim, lines: int) -> str:
    """Lines and postcode as HL7 counts them: the postcode is the fifth component."""
    return "^".join(
        [
            *(_text(line) for line in (*person.address_lines, "", "", "", "")[:lines]),
            *[""] * (4 - lines),
            _text(person.postcode),
        ]
    )


def _text(text: str | None = None) -> str:
    return (text or "").translate(_ESCAPES)


def _yes(flag: bool, yes: str, no: str) -> str:
    return yes if flag else no


def _local(at: datetime) -> str:
    return f"{at.astimezone(_LONDON):%Y%m%d%H%M%S}"


LABORATORIES: Mapping[str, _Laboratory] = {
    "northmoor": _Laboratory("69001", "NMLIMS", "NORTHMOOR", "utf-8", lambda year, n: f"{year:02}{n:06}", _northmoor),
    "eastvale": _Laboratory("69002", "EVPATH", "EVALE", "cp1252", lambda year, n: f"{year:02}EV{n:05}", _eastvale),
    "southwick": _Laboratory("69003", "LABCENTRE", "SWK", "utf-8", lambda year, n: f"SW{n:06}", _southwick),
}
