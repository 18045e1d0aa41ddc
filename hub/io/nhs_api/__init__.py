"""What the doors to the APIs of the NHS platform share: a token, a pace, a circuit, and that nothing leaks."""

from hub.io.nhs_api.away import ApiAway, Partner
from hub.io.nhs_api.door import ApiDoor, Talk
from hub.io.nhs_api.settings import ApiSettings
from hub.io.nhs_api.token import TokenRefused

__all__ = ["ApiAway", "ApiDoor", "ApiSettings", "Partner", "Talk", "TokenRefused"]
