"""The door to PDS: asks over HTTP, as often as is agreed, with a token, and stops asking while nobody answers."""

from hub.io.pds.door import PdsDoor
from hub.io.pds.settings import pds_settings

__all__ = ["PdsDoor", "pds_settings"]
