"""How often the matching is automatic, unsure, unknown, right and wrong; and how long a decision takes.

Run as `python -m tests.bench.matching [PAIRS [SEED]]`. A seeded cohort, seeded claims whose truth is known, candidates
found through `search_keys` over an index in memory: the wrong people a claim meets are those of the cohort.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from adapters.simulators.people import synthetic_population
from hub.domain.matching import Decision, MatchSettings, decide, search_keys
from hub.domain.people import Claim, Participant
from tests.bench.claims import CLEAN, Case, World, truthful
from tests.bench.confusions import SPOILT, impossible


class Index:
    """Participants by search key, as the store keeps them."""

    def __init__(self, participants: list[Participant]) -> None:
        self._rows: dict[str, list[int]] = {}
        self._participants = participants
        self.keys = 0
        for row, participant in enumerate(participants):
            for key in search_keys(participant):
                self._rows.setdefault(key, []).append(row)
                self.keys += 1

    def candidates(self, claim: Claim) -> list[Participant]:
        rows = {row for key in search_keys(claim) for row in self._rows.get(key, ())}
        return [self._participants[row] for row in rows]


@dataclass(slots=True)
class Row:
    """What became of the claims of one kind. `known` counts the claims whose person is in the cohort."""

    kind: str
    claims: int = 0
    known: int = 0
    found: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    left_out: int = 0

    def count(self, case: Case, candidates: list[Participant], decision: Decision) -> None:
        self.claims += 1
        self.known += case.truth is not None
        self.found += case.truth is not None and case.truth in candidates
        self.outcomes[outcome(case, decision)] += 1


def outcome(case: Case, decision: Decision) -> str:
    """Automatic `right` or `wrong`; unsure with the person `first`, `among` or `absent`; `unknown`."""
    truth = case.truth.participant_id if case.truth else None
    if decision.kind == "automatic":
        return "right" if decision.participant_id == truth else "wrong"
    if decision.kind == "unknown":
        return "unknown"
    shown = [candidate.participant_id for candidate in decision.candidates]
    if truth is None:
        return "unsure"
    return "first" if shown[0] == truth else "among" if truth in shown else "absent"


@dataclass(slots=True)
class Report:
    """The outcome of a run. Durations are of `decide` alone, in microseconds."""

    pairs: int
    seed: int
    cohort: int
    clean: list[Row] = field(default_factory=list)
    spoilt: list[Row] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    few: list[float] = field(default_factory=list)
    candidates: list[int] = field(default_factory=list)
    keys_each: float = 0.0
    if_moved: Counter[str] = field(default_factory=Counter)

    @property
    def wrong(self) -> int:
        return sum(row.outcomes["wrong"] for row in (*self.clean, *self.spoilt))

    @property
    def clean_automatic(self) -> float:
        return _share(self.clean, "right")

    @property
    def spoilt_found(self) -> float:
        return sum(row.found for row in self.spoilt) / sum(row.known for row in self.spoilt)


def _share(rows: list[Row], name: str) -> float:
    return sum(row.outcomes[name] for row in rows) / max(1, sum(row.claims for row in rows))


def run(pairs: int = 200_000, seed: int = 1, cohort: int = 50_000) -> Report:
    """`pairs` spoilt claims, and a quarter as many clean ones, against a cohort of `cohort` people."""
    population = synthetic_population(cohort, seed)
    world, index, random = World.of(population, seed), Index(population.participants), Random(f"claims {seed}")
    report = Report(pairs, seed, cohort, keys_each=index.keys / cohort)
    total = sum(weight for weight, _ in CLEAN.values())
    for name, (weight, _) in CLEAN.items():
        report.clean.append(_clean_row(name, max(1, pairs * weight // total // 4), world, index, random, report))
    total = sum(weight for weight, _ in SPOILT.values())
    for name, (weight, _) in SPOILT.items():
        report.spoilt.append(_spoilt_row(name, -(-pairs * weight // total), world, index, random, report))
    return report


def _clean_row(name: str, count: int, world: World, index: Index, random: Random, report: Report) -> Row:
    row = Row(name)
    while row.claims < count:
        person = world.anyone(random)
        _decide(row, Case(CLEAN[name][1](truthful(person), world, random), person), index, report)
    return row


def _spoilt_row(name: str, count: int, world: World, index: Index, random: Random, report: Report) -> Row:
    row, draws = Row(name), 0
    while row.claims < count:
        draws += 1
        if draws > 1_000 * count:
            raise ValueError(f"hardly any claim of this kind can be made: {name}")
        case = SPOILT[name][1](world, random)
        if case is None:
            continue
        if impossible(case, world):
            row.left_out += 1
        else:
            _decide(row, case, index, report)
    return row


def _decide(row: Row, case: Case, index: Index, report: Report) -> None:
    candidates = index.candidates(case.claim)
    started = time.perf_counter_ns()
    decision = decide(case.claim, candidates)
    took = (time.perf_counter_ns() - started) / 1000
    report.durations.append(took)
    report.candidates.append(len(candidates))
    if 1 <= len(candidates) <= 5:
        report.few.append(took)
    row.count(case, candidates, decision)
    report.if_moved[outcome(case, decide(case.claim, candidates, MatchSettings(moved_is_automatic=True)))] += 1


_COLUMNS = ("right", "wrong", "first", "among", "absent", "unsure", "unknown")


def table(report: Report) -> str:
    """The report as text, per cent by kind; `wrong` in plain numbers."""
    heads = ("claims", "auto", "WRONG", "first", "among", "absent", "other", "unknown", "found", "left out")
    lines = [f"{'':<44}" + "".join(f"{head:>9}" for head in heads)]
    for title, rows in (("Clean claims", report.clean), ("Spoilt claims", report.spoilt)):
        lines += ["", title, *(_line(row.kind, [row]) for row in rows), _line("all of them", rows)]
    return "\n".join([*lines, "", *_notes(report)])


def _line(title: str, rows: list[Row]) -> str:
    claims, known = sum(row.claims for row in rows), sum(row.known for row in rows)
    cells = [f"{claims:,}"]
    for column in _COLUMNS:
        number = sum(row.outcomes[column] for row in rows)
        cells.append(str(number) if column == "wrong" else f"{100 * number / claims:.1f}" if number else ".")
    cells.append(f"{100 * sum(row.found for row in rows) / known:.1f}" if known else ".")
    cells.append(str(sum(row.left_out for row in rows) or "."))
    return f"  {title:<42}" + "".join(f"{cell:>9}" for cell in cells)


def _notes(report: Report) -> list[str]:
    spoilt, clean = (sum(row.claims for row in rows) for rows in (report.spoilt, report.clean))
    left_out = sum(row.left_out for row in report.spoilt)
    quantiles = statistics.quantiles(report.durations, n=100)
    few = statistics.quantiles(report.few, n=100)
    return [
        f"seed {report.seed}, cohort {report.cohort:,}; {clean:,} clean, {spoilt:,} spoilt claims; that is the mix.",
        "auto: automatic and right; WRONG: automatic and wrong; unsure with the right person first, among or",
        "absent from those shown; other: unsure, and the person is not in the cohort; found: the right person is among",
        "the candidates of the search keys. Per cent, but for WRONG and left out, which are numbers.",
        f"left out: {left_out:,} claims that fit the number's holder in all they say, the person meant not.",
        f"With moved_is_automatic, which is off, {report.if_moved['wrong']:,} automatic matches would be wrong.",
        "",
        f"WRONG AUTOMATIC MATCHES {report.wrong}; automatic on the clean part {100 * report.clean_automatic:.2f} %; "
        f"found on the spoilt part {100 * report.spoilt_found:.2f} %",
        f"decide: median {statistics.median(report.durations):.0f} us, p99 {quantiles[98]:.0f} us; "
        f"with 1 to 5 candidates median {statistics.median(report.few):.0f} us, p99 {few[98]:.0f} us",
        f"candidates: mean {statistics.fmean(report.candidates):.1f}, most {max(report.candidates)}; "
        f"keys of a participant: mean {report.keys_each:.1f}",
    ]


def main(arguments: list[str]) -> int:
    pairs, seed = (int(text) for text in (arguments + ["200000", "1"][len(arguments) :]))
    report = run(pairs, seed)
    print(table(report))
    return 1 if report.wrong or report.clean_automatic < 0.9 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
