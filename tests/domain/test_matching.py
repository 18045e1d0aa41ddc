"""Automatic, unsure and unknown: the rules of `hub.domain.matching` one by one, with twins and namesakes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from hub.domain.matching import Decision, MatchSettings, decide, search_keys
from hub.domain.people import Claim, Participant

SARAH = Participant(
    participant_id="sarah",
    nhs_number="9000000009",
    family_name="O'Brien-Müller",
    given_names=("Katherine", "Zoë"),
    date_of_birth=date(1984, 3, 7),
    former_family_names=("Patel",),
    gender="2",
    address_lines=("12 Elm Road", "Dunmere"),
    postcode="ZZ99 1AB",
)
TWIN = replace(SARAH, participant_id="twin", nhs_number="9990548609", given_names=("Alice",))
NAMESAKE = replace(
    SARAH,
    participant_id="namesake",
    nhs_number="9100002801",
    address_lines=("14 Elm Road", "Dunmere"),
    former_family_names=(),
)
STRANGER = Participant("stranger", "9100001694", "Nowak", ("Ewa",), date(1970, 1, 2), postcode="ZZ98 7AB")
CLAIM = Claim(
    nhs_number="9000000009",
    family_name="O'Brien-Müller",
    given_names=("Katherine", "Zoë"),
    date_of_birth=date(1984, 3, 7),
    sex="F",
    address_lines=("12 Elm Road", "Dunmere"),
    postcode="ZZ99 1AB",
)


def decided(claim: Claim, *others: Participant) -> Decision:
    return decide(claim, [*others, SARAH])


def finding(decision: Decision, field: str) -> tuple[str, str]:
    return next((f.verdict, f.sentence) for f in decision.candidates[0].findings if f.field == field)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"nhs_number": "900 000 0009"},
        {"family_name": "O'BRIEN-MÜLLER", "given_names": ("KATHERINE",)},
        {"family_name": "O’Brien Muller"},
        {"family_name": "OBrien-Mueller"},
        {"family_name": "Patel"},
        {"family_name": "Newlywed", "former_family_names": ("O'Brien-Müller",)},
        {"given_names": ("Kate",)},
        {"given_names": ("Catherine",)},
        {"given_names": ("Katherine Zoe",)},
        {"given_names": ("Katherine", "Z")},
        {"given_names": ("Zoë", "Katherine")},
        {"given_names": ("K",)},
        {"given_names": ()},
        {"given_names": ("Katherine", "Zoë", "Maud")},
        {"postcode": None, "address_lines": ()},
        {"postcode": "ZZ99 1AC"},
        {"postcode": "ZZ12 9QQ"},
        {"address_lines": ("Flat 2, 12 Elm Rd",)},
        {"sex": None},
    ],
)
def test_automatic_when_number_birth_and_name_agree_and_nothing_contradicts(change: dict[str, object]) -> None:
    decision = decided(replace(CLAIM, **change), STRANGER)  # type: ignore[arg-type]  # fields of differing types
    assert (decision.kind, decision.participant_id) == ("automatic", "sarah"), decision.why


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"nhs_number": None}, "No NHS number was given."),
        ({"nhs_number": "9000000008"}, "The NHS number given is not a valid one."),
        ({"nhs_number": "0000000000"}, "The NHS number given is not a valid one."),
        ({"nhs_number": "9912003888"}, "No participant has the NHS number given."),
        ({"date_of_birth": date(1984, 7, 3)}, "The date of birth does not agree with the NHS number."),
        ({"date_of_birth": date(1985, 3, 7)}, "The date of birth does not agree with the NHS number."),
        ({"date_of_birth": None}, "The date of birth does not agree with the NHS number."),
        ({"family_name": "O'Brian-Müller"}, "The family name does not agree with the NHS number."),
        ({"family_name": "O'Brien"}, "The family name does not agree with the NHS number."),
        ({"family_name": None}, "The family name does not agree with the NHS number."),
        ({"given_names": ("Alice",)}, "The given name contradicts."),
        ({"given_names": ("Kathrine",)}, "The given name is near, but not the same."),
        ({"given_names": ("Zoë",)}, "The given name is only a middle name on the other side."),
        ({"given_names": ("Katherine", "Maud")}, "The middle names contradict."),
        ({"given_names": ("A",)}, "The given name contradicts."),
        ({"sex": "M"}, "The sex contradicts."),
        ({"address_lines": ("14 Elm Road",)}, "The address is a neighbour's."),
        ({"postcode": "ZZ12 9QQ", "address_lines": ("3 Mill Lane",)}, "The address is another one."),
        ({"given_names": (), "postcode": None}, "Without a postcode that agrees, the given names are too little."),
        ({"given_names": ("K",), "postcode": None}, "Without a postcode that agrees, the given names are too little."),
    ],
)
def test_unsure_with_the_right_person_first_otherwise(change: dict[str, object], why: str) -> None:
    decision = decided(replace(CLAIM, **change), STRANGER)  # type: ignore[arg-type]  # fields of differing types
    assert (decision.kind, decision.participant_id, decision.why) == ("unsure", None, why)
    assert decision.candidates[0].participant_id == "sarah"


@pytest.mark.parametrize("given_names", [("Alice",), ("A",), ("Alise",), ()])
def test_a_twins_result_never_goes_to_her_sister(given_names: tuple[str, ...]) -> None:
    decision = decided(replace(CLAIM, given_names=given_names), TWIN)
    assert decision.kind == "unsure"
    assert {candidate.participant_id for candidate in decision.candidates} == {"sarah", "twin"}


def test_a_twin_does_not_hinder_when_the_given_name_tells_them_apart() -> None:
    assert decided(CLAIM, TWIN).participant_id == "sarah"
    assert (
        decide(replace(CLAIM, nhs_number=TWIN.nhs_number, given_names=("Alice",)), [SARAH, TWIN]).participant_id
        == "twin"
    )


def test_a_twin_of_the_same_initial_is_not_told_apart_by_the_initial() -> None:
    karen = replace(TWIN, given_names=("Karen",))
    assert decided(replace(CLAIM, given_names=("K",)), karen).kind == "unsure"


def test_a_namesake_next_door_is_told_apart_by_the_house_number_alone() -> None:
    assert decided(CLAIM, NAMESAKE).participant_id == "sarah"
    for unclear in ({"address_lines": ()}, {"address_lines": (), "postcode": None}, {"address_lines": ("Elm Road",)}):
        assert decided(replace(CLAIM, **unclear), NAMESAKE).kind == "unsure"  # type: ignore[arg-type]  # as above


def test_a_number_taken_from_a_namesake_is_not_believed() -> None:
    decision = decided(replace(CLAIM, nhs_number=NAMESAKE.nhs_number), NAMESAKE)
    assert decision.kind == "unsure"


def test_a_daughter_of_the_same_name_at_the_same_address() -> None:
    daughter = replace(SARAH, participant_id="daughter", nhs_number="9044151320", date_of_birth=date(2001, 5, 9))
    assert decided(CLAIM, daughter).participant_id == "sarah"
    mixed = replace(CLAIM, nhs_number=daughter.nhs_number)
    decision = decided(mixed, daughter)
    assert (decision.kind, decision.candidates[0].participant_id) == ("unsure", "sarah")


def test_two_holders_of_one_number_are_for_a_clerk() -> None:
    decision = decided(CLAIM, replace(STRANGER, nhs_number=SARAH.nhs_number))
    assert (decision.kind, decision.why) == ("unsure", "More than one participant has the NHS number given.")


def test_moved_house_is_a_setting() -> None:
    moved = replace(CLAIM, postcode="ZZ12 9QQ", address_lines=("3 Mill Lane",))
    lenient = MatchSettings(moved_is_automatic=True)
    assert decide(moved, [SARAH]).kind == "unsure"
    assert decide(moved, [SARAH], lenient).kind == "automatic"
    assert decide(replace(moved, given_names=("Kate",)), [SARAH], lenient).kind == "unsure"
    assert decide(replace(moved, postcode=None), [SARAH], lenient).kind == "unsure"


def test_unknown_when_nobody_fits() -> None:
    unknown = Claim("9912003888", "Adeyemi", ("Ngozi",), (), date(1990, 2, 3), "F", ("1 Mill Lane",), "ZZ50 1AA")
    assert decided(unknown, STRANGER) == Decision("unknown", None, (), "Nobody of the cohort fits.")
    assert decide(CLAIM, []).kind == "unknown"
    assert decide(Claim(), [SARAH]).kind == "unknown"


def test_sharing_birthday_and_family_name_alone_is_not_enough_to_be_shown() -> None:
    other = replace(
        CLAIM, nhs_number="9912003888", given_names=("Ngozi",), address_lines=("1 Mill Lane",), postcode="ZZ50 1AA"
    )
    assert decided(other).kind == "unknown"


def test_whoever_has_the_number_is_always_shown() -> None:
    other = Claim(SARAH.nhs_number, "Adeyemi", ("Ngozi",), (), date(1990, 2, 3), "F", ("1 Mill Lane",), "ZZ50 1AA")
    decision = decided(other)
    assert (decision.kind, decision.candidates[0].participant_id) == ("unsure", "sarah")


@pytest.mark.parametrize(
    ("change", "field", "found"),
    [
        ({"nhs_number": "9000000008"}, "nhs_number", ("similar", "differs in one digit")),
        ({"nhs_number": "9000000090"}, "nhs_number", ("similar", "transposed")),
        ({"nhs_number": "?00 000 0000"}, "nhs_number", ("missing", "not a valid one")),
        ({"date_of_birth": date(1984, 7, 3)}, "date_of_birth", ("similar", "transposed")),
        ({"date_of_birth": date(1994, 3, 7)}, "date_of_birth", ("similar", "one slip")),
        ({"date_of_birth": date(1951, 12, 30)}, "date_of_birth", ("differs", "differs")),
        ({"family_name": "Patel"}, "family_name", ("agrees", "former")),
        ({"family_name": "Müller"}, "family_name", ("similar", "Part")),
        (
            {"family_name": "Katherine", "given_names": ("O'Brien-Müller",)},
            "family_name",
            ("similar", "each other's place"),
        ),
        ({"given_names": ("Kate",)}, "given_names", ("agrees", "another form")),
    ],
)
def test_findings_explain(change: dict[str, object], field: str, found: tuple[str, str]) -> None:
    verdict, sentence = finding(decided(replace(CLAIM, **change)), field)  # type: ignore[arg-type]  # as above
    assert verdict == found[0]
    assert found[1] in sentence


def test_the_score_is_the_findings_added_up() -> None:
    candidate = decided(CLAIM).candidates[0]
    assert candidate.score == pytest.approx(sum(f.points for f in candidate.findings))
    assert candidate.score == pytest.approx(1.0)


def test_sentences_hold_no_values() -> None:
    decision = decided(replace(CLAIM, nhs_number="9000000008"), TWIN, NAMESAKE, STRANGER)
    said = decision.why + " ".join(f.sentence for candidate in decision.candidates for f in candidate.findings)
    for value in ("9000000", "Brien", "Katherine", "1984", "Elm", "ZZ99"):
        assert value not in said


def test_keys_are_few_and_never_a_name_alone() -> None:
    keys = search_keys(SARAH)
    assert len(keys) <= 12
    assert {key.split(":")[0] for key in keys} == {"n", "df", "dg", "pf", "pd", "m"}


@pytest.mark.parametrize(
    "claim",
    [
        Claim(nhs_number=SARAH.nhs_number),
        replace(CLAIM, nhs_number=None, postcode=None),
        Claim(family_name="OBrian Muler", date_of_birth=SARAH.date_of_birth),
        Claim(family_name="Patel", date_of_birth=SARAH.date_of_birth),
        Claim(family_name="Newlywed", given_names=("Katherine",), date_of_birth=SARAH.date_of_birth),
        Claim(family_name="O'Brien-Müller", given_names=("Katherine",), date_of_birth=date(1984, 7, 3)),
        Claim(family_name="O'Brien-Müller", given_names=("Katherine",), date_of_birth=date(1974, 3, 7)),
        Claim(family_name="Katherine", given_names=("O'Brien-Müller",), date_of_birth=SARAH.date_of_birth),
        Claim(family_name="O'Brien-Müller", postcode="zz991ab"),
        Claim(date_of_birth=SARAH.date_of_birth, postcode="ZZ99 1AB"),
    ],
)
def test_keys_find_her(claim: Claim) -> None:
    assert search_keys(claim) & search_keys(SARAH)
    assert not search_keys(claim) & search_keys(STRANGER)
