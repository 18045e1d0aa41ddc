"""A year of the programme with a small cohort: it adds up, and nobody waits silently. `make soak` has 100,000."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from hub.__main__ import main
from hub.config import Settings
from hub.demo.year.hub import Hub
from hub.demo.year.year import Account, Plan, Year, simulate_year
from hub.errors import CannotRun
from tests.flow.conftest import quick_directory
from tests.journeys.driving import hub

YEAR = Plan(people=300, seed=5)


async def account_of(plan: Plan) -> Account:
    with quick_directory() as directory:
        return await simulate_year(Settings(data=directory), plan, lambda: None)


async def test_a_year_adds_up_and_nobody_waits_silently() -> None:
    account = await account_of(YEAR)
    assert account.complaints == []
    assert set(account.steps) == {"notified", "invited", "reminded", "non-responder"}
    counts = account.counts
    assert counts["laboratories"]["results taken"] == sum(counts["results"].values()) > 40
    assert counts["register"].keys() >= {"joined", "moved", "died"}
    assert counts["practices"]["invite"] and counts["clerks"]["match"]
    assert sum(counts["places"].values()) == YEAR.people + counts["register"]["joined"]


async def test_the_same_seed_tells_the_same_year() -> None:
    short = replace(YEAR, people=60, days=45)
    one, same, other = [await account_of(plan) for plan in (short, short, replace(short, seed=6))]
    assert one.as_json() == same.as_json() != other.as_json() | {"seed": 5}


async def test_what_is_not_so_is_said(tmp_path: Path) -> None:
    """Somebody is passed by, and her record is not what its facts fold to."""
    plan = Plan(people=40, seed=1, days=30)
    year = Year(Hub.on(Settings(data=tmp_path), plan.begins_on), plan)
    async with year.hub.at_work():
        year.begin()
        for number in range(plan.days):
            await year.day(plan.begins_on + timedelta(days=number))
        assert year.end().complaints == []
        passed_by = year.hub.read(lambda tx: next(tx.failsafe.each(year.hub.now))[0])
        with year.hub.store.engine.begin() as database:
            long_ago = "next_step_on = '2025-01-01', folded_at = '2025-01-01 00:00:00.000000'"
            database.exec_driver_sql(f"UPDATE records SET {long_ago} WHERE participant_id = ?", (passed_by,))
        found = "\n".join(year.end().complaints)
    assert f"failsafe: {passed_by} waits silently: missed" in found
    assert f"record: {passed_by} is not as her facts fold" in found


async def test_only_an_empty_store_is_taken(tmp_path: Path) -> None:
    plan = Plan(people=5, seed=1, days=1)
    await simulate_year(Settings(data=tmp_path), plan, lambda: None)
    with pytest.raises(CannotRun, match="holds something already"):
        await simulate_year(Settings(data=tmp_path), plan, lambda: None)


def test_the_verb_tells_it(tmp_path: Path) -> None:
    done = hub("simulate", "year", "--people", "5", "--days", "2", "--data", tmp_path, "--json")
    assert (done.code, json.loads(done.said)["holds"]) == (0, True), done.complained


async def test_the_report_names_who_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = Plan(people=30, seed=2, days=31, begins_on=date(2026, 3, 1))
    await simulate_year(Settings(data=tmp_path), plan, lambda: None)
    words = ["report", "failsafe", "--data", str(tmp_path), "--on"]
    assert main([*words, "2026-03-31"]) == 0
    assert "Nobody waits silently." in capsys.readouterr().out
    assert main([*words, "2026-08-31", "--json"]) == 1, "nobody has run call and recall since"
    told = json.loads(capsys.readouterr().out)
    assert {one["place"] for one in told["silent"]} == {"missed"} and told["places"]["missed"] == len(told["silent"])
    assert main([*words, "2026-08-31", "--list", "missed"]) == 0
    ids = capsys.readouterr().out.split()
    assert ids == [one["id"] for one in told["silent"]]
    assert main([*words, "2026-08-31"]) == 1
    assert f"  {ids[0]}  missed" in capsys.readouterr().out
