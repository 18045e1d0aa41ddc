"""The door to PDS: asks over HTTP, as often as is agreed, with a token, and stops asking while nobody answers."""

from hub.io.pds.away import PdsAway
from hub.io.pds.door import PdsDoor
from hub.io.pds.settings import PdsSettings, pds_settings
from hub.io.pds.token import TokenRefused

__all__ = ["PdsAway", "PdsDoor", "PdsSettings", "TokenRefused", "pds_settings"]
