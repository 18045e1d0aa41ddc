"""`hub notify`, the settings of NHS Notify, its routing plans, and how its absence shows."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.simulators.notify import Fault, NotifySimulator
from hub.app import plan_ids_of, running
from hub.config import Settings
from hub.errors import CannotRun
from hub.io.nhs_api import ApiAway
from hub.mapping.plan_ids import unfit_plan_ids
from tests.journeys.driving import Finished, hub, is_one_sentence
from tests.notify.batches import PLANS, batch
from tests.pds.test_pds_verb import ready

Connected = dict[str, str]
PLAN_IDS = ",".join(f"{name}={plan_id}" for name, plan_id in PLANS.items())


@pytest.fixture
def connected(notify: NotifySimulator, keys: tuple[Path, bytes], data: Path) -> Connected:
    """The settings of a hub that hands over to the simulator."""
    return {
        "HUB_DATA": str(data),
        "HUB_NOTIFY_URL": notify.url,
        "HUB_NOTIFY_TOKEN_URL": notify.token_url,
        "HUB_NOTIFY_CLIENT": notify.client,
        "HUB_NOTIFY_KID": notify.kid,
        "HUB_NOTIFY_KEY": str(keys[0]),
        "HUB_NOTIFY_PLANS": PLAN_IDS,
        "HUB_NOTIFY_SECONDS": "3",
    }


async def told(settings: Connected, *words: str) -> Finished:
    return await asyncio.to_thread(hub, *words, settings=settings)


async def test_the_connection_is_proved_and_nobody_told(connected: Connected, notify: NotifySimulator) -> None:
    done = await told(connected, "notify", "status")
    assert done.code == 0 and "NHS Notify answers us." in done.said and "invitation, result" in done.said
    assert "No callbacks are taken" in done.said
    assert [seen.method for seen in notify.seen] == ["GET"] and notify.taken == {}


async def test_status_says_what_is_wrong(connected: Connected) -> None:
    wrong = {"HUB_NOTIFY_APPLICATION_ID": "app", "HUB_NOTIFY_API_KEY": "secret-key"}
    done = await told(connected | wrong | {"HUB_NOTIFY_KID": "other"}, "notify", "status", "--json")
    report: dict[str, Any] = json.loads(done.out)
    bad = [finding for finding in report["findings"] if not finding["well"]]
    assert done.code == 1 and not report["well"] and report["callbacks"] and report["plans"] == PLANS
    assert [finding["what"] for finding in bad] == ["token"] and "kid" in bad[0]["says"]
    assert "secret-key" not in done.said + done.complained


def test_without_settings_there_is_no_notify(tmp_path: Path) -> None:
    done = hub("notify", "status", "--data", tmp_path)
    assert is_one_sentence(done) and "HUB_NOTIFY_URL" in done.complained


# -- routing plans


def test_every_plan_has_its_id_and_every_id_its_plan() -> None:
    assert unfit_plan_ids(PLANS, PLANS) == []
    (missing,) = unfit_plan_ids(PLANS, {name: PLANS[name] for name in PLANS if name != "post"})
    assert "`post`" in missing and "Add it" in missing
    (stranger,) = unfit_plan_ids(PLANS, {**PLANS, "pigeon": PLANS["post"]})
    assert "`pigeon`" in stranger and "invitation" in stranger


async def test_a_hub_without_an_id_for_a_plan_does_not_start_and_check_says_so(connected: Connected) -> None:
    half = connected | {"HUB_NOTIFY_PLANS": f"invitation={PLANS['invitation']},pigeon={PLANS['post']}"}
    with pytest.raises(CannotRun, match="no id to the plan `result`"):
        plan_ids_of(Settings.from_environment(half))
    checked = await told(half, "check")
    assert checked.code == 1 and "`referral`" in checked.said and "`pigeon`" in checked.said
    assert plan_ids_of(Settings.from_environment(connected)) == PLANS


# -- settings


@pytest.mark.parametrize(
    "text", ["invitation", "invitation=7", f"post={PLANS['post']},post={PLANS['result']}", f"={PLANS['post']}", ","]
)
def test_plans_have_a_form(text: str) -> None:
    with pytest.raises(CannotRun, match="HUB_NOTIFY_PLANS has an unfit value"):
        Settings.from_environment({"HUB_NOTIFY_PLANS": text})


def test_half_of_notify_is_refused_by_name(connected: Connected) -> None:
    with pytest.raises(CannotRun, match="HUB_NOTIFY_URL needs HUB_NOTIFY_KID and HUB_NOTIFY_PLANS too"):
        Settings.from_environment({**connected, "HUB_NOTIFY_KID": "", "HUB_NOTIFY_PLANS": ""})
    with pytest.raises(CannotRun, match="belong together"):
        Settings.from_environment({"HUB_NOTIFY_API_KEY": "secret-key"})


def test_no_key_is_shown() -> None:
    settings = Settings(notify_client="our-client", notify_application_id="our-application", notify_api_key="our-key")
    assert not any(secret in repr(settings) for secret in ("our-client", "our-application", "our-key"))


# -- readiness


async def test_a_notify_that_is_away_shows_itself_and_makes_nobody_unready(
    connected: Connected, notify: NotifySimulator
) -> None:
    settings = Settings.from_environment({**connected, "HUB_HTTP_PORT": "0"})
    async with running(settings, ("web",)) as up:
        assert up.notify is not None and up.pds is None
        assert await ready(up.http_port) == (200, {"status": "ready", "away": {}})
        notify.faults.extend([Fault(503)] * 50)
        while not await up.notify.away():  # how many tries that takes, the uneven rests decide
            with pytest.raises(ApiAway):
                await up.notify.hand_over(batch())
        assert await ready(up.http_port) == (
            200,
            {"status": "ready", "away": {}, "without": {"notify": "circuit-open"}},
        )
