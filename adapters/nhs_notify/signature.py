"""Whether a callback comes from Notify: the key that it shows, and its signature over the bytes as they came."""

from __future__ import annotations

import hashlib
import hmac


def api_key_is_right(given: str, api_key: str) -> bool:
    """In a time that tells nothing of the key. Where none is agreed, none is right."""
    return bool(api_key) and hmac.compare_digest(_bytes(given), _bytes(api_key))


def signature_is_right(raw: bytes, signature_hex: str, application_id: str, api_key: str) -> bool:
    """`signature_hex`: HMAC-SHA256 of the body, byte for byte; what was read and written again has another."""
    if not (application_id and api_key):
        return False
    expected = hmac.new(_bytes(f"{application_id}.{api_key}"), raw, hashlib.sha256).hexdigest()
    return hmac.compare_digest(_bytes(signature_hex), _bytes(expected))


def _bytes(text: str) -> bytes:
    """A header may hold anything; it is only compared."""
    return text.encode("utf-8", "surrogatepass")
