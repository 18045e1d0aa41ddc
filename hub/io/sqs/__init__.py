"""The SQS door: events of PDS, for those to whom NHS England delivers them there. Needs the optional extra `sqs`."""

from hub.io.sqs.door import SqsDoor
from hub.io.sqs.queue import QueueAway, SqsMessage, SqsQueue

__all__ = ["QueueAway", "SqsDoor", "SqsMessage", "SqsQueue"]
