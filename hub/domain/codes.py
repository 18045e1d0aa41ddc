"""The national codes of a result, which of them go together, and what is wrong in a result by itself (domain.md 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hub.domain.events import TestResult, Version
from hub.errors import Reason

RESULT_CODES: Mapping[str, str] = MappingProxyType(
    {
        "X": "no cytology test undertaken",
        "0": "?glandular neoplasia (non-cervical)",
        "1": "inadequate cytology",
        "2": "negative cytology",
        "3": "low-grade dyskaryosis",
        "4": "high-grade dyskaryosis (severe)",
        "5": "high-grade dyskaryosis, ?invasive squamous carcinoma",
        "6": "?glandular neoplasia of endocervical type",
        "7": "high-grade dyskaryosis (moderate)",
        "8": "borderline change in squamous cells",
        "9": "borderline change in endocervical cells",
    }
)
"""domain.md 2.1."""

INFECTION_CODES: Mapping[str, str] = MappingProxyType(
    {"0": "HPV negative", "9": "HPV positive", "U": "HPV unavailable", "Q": "no HPV test undertaken"}
)
"""domain.md 2.2; `Q` is of the pilot and stands in history only."""

ACTION_CODES: Mapping[str, str] = MappingProxyType(
    {
        "A": "routine recall",
        "R": "early repeat",
        "S": "suspended: refer to colposcopy, or already under its care",
        "H": "recorded only: recall is left as it was",
    }
)
"""domain.md 2.3."""

RECALL_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "Called": "L",
        "Routine": "N",
        "Repeat advised": "R",
        "Inadequate": "I",
        "Suspended": "S",
        "Ceased": "C",
    }
)
"""Names and letters of the recall types (domain.md 1.4)."""

HPV_NEGATIVE, HPV_POSITIVE, HPV_UNAVAILABLE = "0", "9", "U"
INADEQUATE_CYTOLOGY = "1"
ROUTINE, REPEAT, SUSPEND, RECORD_ONLY = "A", "R", "S", "H"
MOST_MONTHS = 120
"""More months than any interval the programme ever had: beyond it the number is a slip, not a policy question."""


@dataclass(frozen=True, slots=True)
class Combination:
    """A valid combination of codes. `abnormal` is the class of its letter, `urgent` the two-week referral."""

    codes: str
    meaning: str
    abnormal: bool = False
    urgent: bool = False
    self_sample: bool = False


_CLINICIAN_TAKEN = (
    Combination("X0A", "HPV negative, routine recall"),
    Combination("X0R", "HPV negative, early repeat"),
    Combination("X0S", "HPV negative, colposcopy", abnormal=True),
    Combination("XUR", "HPV unavailable, repeat"),
    Combination("XUS", "HPV unavailable again, colposcopy", abnormal=True),
    Combination("X9S", "HPV positive without cytology, colposcopy", abnormal=True),
    Combination("09R", "HPV positive, ?glandular neoplasia (non-cervical), early repeat"),
    Combination("09S", "HPV positive, ?glandular neoplasia (non-cervical), colposcopy", abnormal=True),
    Combination("19R", "HPV positive, inadequate cytology, repeat"),
    Combination("19S", "HPV positive, inadequate cytology again, colposcopy", abnormal=True),
    Combination("29R", "HPV positive, negative cytology, early repeat"),
    Combination("29S", "HPV positive, negative cytology, colposcopy", abnormal=True),
    Combination("39S", "HPV positive, low-grade dyskaryosis", abnormal=True),
    Combination("49S", "HPV positive, high-grade dyskaryosis (severe)", abnormal=True),
    Combination("59S", "HPV positive, ?invasive squamous carcinoma: urgent referral", abnormal=True, urgent=True),
    Combination("69S", "HPV positive, ?endocervical glandular neoplasia: urgent referral", abnormal=True, urgent=True),
    Combination("79S", "HPV positive, high-grade dyskaryosis (moderate)", abnormal=True),
    Combination("89S", "HPV positive, borderline change in squamous cells", abnormal=True),
    Combination("99S", "HPV positive, borderline change in endocervical cells", abnormal=True),
)
_SELF_SAMPLES = (
    Combination("X0A", "self-sample: HPV negative, routine recall", self_sample=True),
    Combination("X9R", "self-sample: HPV positive, a clinician's sample is needed", abnormal=True, self_sample=True),
    Combination("XUH", "self-sample: HPV unavailable, recall left as it was", self_sample=True),
)

COMBINATIONS: Mapping[tuple[str, bool], Combination] = MappingProxyType(
    {(each.codes, each.self_sample): each for each in (*_CLINICIAN_TAKEN, *_SELF_SAMPLES)}
)
"""What a new report may say, by (codes, self-sample). From CSMS's letter catalogue: the table of valid combinations
itself could not be read (domain.md 2.4). Self-samples are written `0 A` there; ours carry the result code X."""

OLD_COMBINATIONS = frozenset(
    {"0QR", "0QS", "1QR", "1QS", "2QR", "2QS", "3QS", "4QS", "5QS", "6QS", "7QS", "8QS", "9QS"}
)
"""Without an HPV test: accepted in history only, never in a new report (domain.md 2.4)."""


def combination(result: TestResult) -> Combination | None:
    """The valid combination of a result; None for old codes and whatever else stands in history."""
    return COMBINATIONS.get((result.combination, result.self_sample))


def result_code_kept(sent: str, self_sample: bool) -> str:
    """The result code as `TestResult` keeps it: no cytology (X) for a self-sample whose laboratory writes nothing."""
    return "X" if self_sample and not sent else sent


def is_inadequate(result: TestResult) -> bool:
    """HPV unavailable, or inadequate cytology: the two count alike (domain.md 2.5)."""
    return result.infection_code == HPV_UNAVAILABLE or result.result_code == INADEQUATE_CYTOLOGY


def refusal(result: TestResult) -> Reason | None:
    """What is wrong with the codes of a newly reported result, seen in itself; None if the hub takes it.

    MISSING_DATA (a code is empty), INVALID_COMBINATION, INVALID_VALUE (months no programme ever had). Months that are
    merely not allowed here need her history: the fold's alert, not a refusal. A withdrawal needs no codes.
    """
    if result.version is Version.WITHDRAWN:
        return None
    if not (result.result_code and result.infection_code and result.action_code):
        return Reason.MISSING_DATA
    if combination(result) is None:
        return Reason.INVALID_COMBINATION
    if result.repeat_months is not None and not 0 <= result.repeat_months <= MOST_MONTHS:
        return Reason.INVALID_VALUE
    return None
