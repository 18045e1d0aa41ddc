"""Keys with which a hub proves itself to the simulated PDS, made afresh each time."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def new_keys(directory: Path) -> tuple[Path, bytes]:
    """The hub's private key as a file, and what the platform knows of it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = directory / "hub.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return path, public
