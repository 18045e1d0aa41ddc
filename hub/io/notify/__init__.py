"""The door to NHS Notify: hands over what people are to be told, and asks how it stands."""

from hub.io.notify.door import NotifyDoor
from hub.io.notify.settings import notify_settings

__all__ = ["NotifyDoor", "notify_settings"]
