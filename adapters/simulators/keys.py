"""The key by which a simulated sender proves who it is over HTTP: made here, for the hub's own partners' door."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from hub.errors import CannotRun

KID = "simulator"
_LIVES = timedelta(minutes=4)
_KEPT_BY_ITS_OWNER = 0o600


def make_key(private: Path, public: Path) -> None:
    """Write a new private key (a JWK) and the JWKS file of its public half. Raises CannotRun where one is there."""
    for path in (private, public):
        if path.exists():
            raise CannotRun(f"{path} is there already, and is not written over. Remove it if it is of no use any more.")
    key = ec.generate_private_key(ec.SECP384R1())
    write = jwt.algorithms.ECAlgorithm.to_jwk
    whole, open_part = ({**json.loads(write(each)), "kid": KID} for each in (key, key.public_key()))
    try:
        for path in (private, public):
            path.parent.mkdir(parents=True, exist_ok=True)
        private.touch(_KEPT_BY_ITS_OWNER)
        private.write_text(json.dumps(whole) + "\n")
        public.write_text(json.dumps({"keys": [{**open_part, "use": "sig"}]}, indent=2) + "\n")
    except OSError as error:
        raise CannotRun(f"{error.filename} cannot be written ({error.strerror}).") from None


class SenderKey:
    """A private key of a feed's sender, read from a JWK file. Raises CannotRun where it is none."""

    def __init__(self, path: Path) -> None:
        try:
            said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            self._algorithm = "RS512" if said["kty"] == "RSA" else ""
            self._kid = str(said["kid"])
            key = jwt.PyJWK(said, algorithm=self._algorithm or None)
            self._algorithm, self._key = key.algorithm_name, key.key
            jwt.encode({}, self._key, algorithm=self._algorithm)
        except OSError as error:
            raise CannotRun(f"{path} cannot be read ({error.strerror}). `hub simulate key` makes one.") from None
        except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError):
            raise CannotRun(f"{path} is no private key as JWK with a kid. `hub simulate key` makes one.") from None

    def assertion(self, feed: str, audience: str, at: datetime) -> str:
        """What proves the sender of the feed, once."""
        claims = {"iss": feed, "sub": feed, "aud": audience, "jti": str(uuid.uuid4())}
        expires = int((at + _LIVES).timestamp())
        return jwt.encode({**claims, "exp": expires}, self._key, algorithm=self._algorithm, headers={"kid": self._kid})
