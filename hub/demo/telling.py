"""The end of the story: the letters wished are handed to a simulated NHS Notify, which tells what became of them.

It comes when all laboratories have sent, so that the story ends the same way however fast the machine is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import NAMESPACE_URL, uuid5

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.simulators.notify import NotifySimulator
from adapters.simulators.notify_course import UNREACHABLE
from hub.app import Running, context_of, notify_of
from hub.app.tables import catalogue_of
from hub.config import Settings
from hub.flow.ports.store import Transaction
from hub.flow.telling import Dispatcher

APPLICATION, API_KEY = "demo-application", "demo-api-key"
_TOLD_OF = frozenset(("delivered", "failed"))


def with_callbacks(settings: Settings) -> Settings:
    """The hub takes what the simulator calls back with."""
    return replace(settings, notify_application_id=APPLICATION, notify_api_key=API_KEY)


async def told_people(hub: Running, settings: Settings) -> dict[str, int]:
    """Hand over all that is wished, and wait until each has its end; how many have which. One of them cannot be
    reached, which is somebody's task."""
    context, catalogue = context_of(settings), catalogue_of(settings)
    plans = {name: str(uuid5(NAMESPACE_URL, f"demo plan {name}")) for name in catalogue.plans}
    channels = {plans[name]: plan.channels for name, plan in catalogue.plans.items()}
    with TemporaryDirectory() as directory:
        key, public_key = _keys(Path(directory))
        async with NotifySimulator(
            public_key, channels, f"{hub.partners_url}/notify/callbacks", APPLICATION, API_KEY, told_of=_TOLD_OF
        ) as notify:
            unreached = await hub.store.read(_somebody)
            notify.fates = {unreached: UNREACHABLE} if unreached else {}
            door = notify_of(_to(settings, notify, key, plans), hub.store)
            assert door is not None, "the settings name the simulator"
            async with door:
                dispatcher = Dispatcher(hub.store, door, catalogue, context, fill=timedelta())
                while await dispatcher.tell_some():
                    pass
            await notify.settled()
    return await hub.store.read(_ends)


def _somebody(tx: Transaction) -> str:
    """Whoever has the first letter."""
    codes = [wish.code for wish in tx.communications.wishes()]
    wished = tx.communications.wished(codes, 1) if codes else []
    person = tx.cohort.get(wished[0].participant_id) if wished else None
    return person.nhs_number if person else ""


def _ends(tx: Transaction) -> dict[str, int]:
    found: dict[str, int] = {}
    for tally in tx.communications.tallies():
        if tally.state not in ("waiting", "cancelled"):
            found[tally.state] = found.get(tally.state, 0) + tally.many
    return dict(sorted(found.items()))


def _to(settings: Settings, notify: NotifySimulator, key: Path, plans: dict[str, str]) -> Settings:
    return replace(
        settings,
        notify_url=notify.url,
        notify_token_url=notify.token_url,
        notify_client=notify.client,
        notify_kid=notify.kid,
        notify_key=key,
        notify_plans=tuple(plans.items()),
    )


def _keys(directory: Path) -> tuple[Path, bytes]:
    """The hub's private key as a file, and what the simulator knows of it."""
    key, path = rsa.generate_private_key(public_exponent=65537, key_size=2048), directory / "hub.pem"
    private = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    return path, key.public_key().public_bytes(serialization.Encoding.PEM, public)
