"""What may be told: the fences between the hub and its log.

No personal data gets out, by three of them. The functions of `hub.telemetry` take ids, codes and counts, never a
message or a person. A key that is not on the list below is dropped, and a text that is not a plain token is withheld.
Of an exception only its type and the places it passed: the texts of fhir, pydantic and SQL errors print values.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

ALLOWED_KEYS = frozenset(
    (
        *("event", "level", "timestamp", "trace", "role", "version", "door", "host", "port", "peer"),
        *("feed", "code", "reason", "how", "outcome", "what", "why", "where", "error", "frames"),
        *("bytes", "count", "seconds", "event_type", "event_id", "message_id", "task_id", "part", "queue", "node"),
    )
)
WITHHELD = "withheld"
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_least = logging.DEBUG
_TOKEN = re.compile(r"[\w.:+/@^<>\[\]-]{0,120}", re.ASCII)
# Ten digits are an NHS number, eight or three groups a birthday; hexadecimal neighbours make it a digest or a UUID.
_SOMEBODYS_NUMBER_OR_BIRTHDAY = re.compile(
    r"(?<![0-9A-Fa-f-])(?:\d{8}|\d{3}-?\d{3}-?\d{4}|\d{4}-\d\d-\d\d|\d\d[/.-]\d\d[/.-]\d{4})(?![0-9A-Fa-f-])"
)


def write_lines(*, pretty: bool, level: str) -> None:
    """Have log lines from `level` on written to standard error, pretty or as JSON."""
    global _least
    _least = _LEVELS[level]
    renderer: Any = structlog.dev.ConsoleRenderer(colors=True) if pretty else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_what_may_be_told,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=_StandardError,
        cache_logger_on_first_use=False,
    )


def silence_libraries() -> None:
    """What libraries log goes the hub's way from now on: told by name and place, without its words."""
    for handler in [handler for handler in logging.root.handlers if isinstance(handler, _LibraryLines)]:
        logging.root.removeHandler(handler)
    logging.root.addHandler(_LibraryLines(logging.WARNING))


def guard_process() -> None:
    """An exception that nobody caught is told like any other fault: without its text. For the command line's start."""
    sys.excepthook = lambda _type, error, _trace: log("error", "our_fault", where="process", **about(error))
    threading.excepthook = lambda args: log("error", "our_fault", where="thread", **about(args.exc_value))


def only_what_may_be_told(_logger: object, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The fence: unknown keys are dropped, texts that are no plain token are withheld."""
    return {key: value if key == "timestamp" else _safe(value) for key, value in line.items() if key in ALLOWED_KEYS}


def plain(text: str) -> str:
    """The text if it is a plain token that cannot be anybody's number or birthday, nor an address with a password in
    it, else the word `withheld`."""
    harmless = _TOKEN.fullmatch(text) is not None and _SOMEBODYS_NUMBER_OR_BIRTHDAY.search(text) is None
    return text if harmless and not ("://" in text and "@" in text) else WITHHELD


def log(level: str, event: str, **facts: object) -> None:
    """One line. `level` is a name; what is not debug, info or warning counts as an error."""
    if _LEVELS[level] < _least:  # asked some fifteen times for each result: the answer must cost nothing
        return
    logger = structlog.get_logger()
    write = {"debug": logger.debug, "info": logger.info, "warning": logger.warning}.get(level, logger.error)
    write(event, **facts)


def about(error: BaseException | None) -> dict[str, object]:
    """The type of an exception (and of what caused it), and the places it passed. Never its text."""
    if error is None:
        return {}
    kinds, seen = [type(error).__qualname__], error
    while (cause := seen.__cause__ or seen.__context__) is not None and len(kinds) < 5:
        kinds.append(type(cause).__qualname__)
        seen = cause
    return {"error": "<".join(kinds), "frames": list(_places(error.__traceback__))[-12:]}


def _places(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        code = trace.tb_frame.f_code
        yield f"{'/'.join(Path(code.co_filename).parts[-2:])}:{trace.tb_lineno}:{code.co_name}"
        trace = trace.tb_next


def _safe(value: object) -> object:
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, list):
        return [_safe(part) for part in value]
    return plain(value) if isinstance(value, str) else WITHHELD


class _StandardError:
    """Writes lines to standard error as it is now (tests and the demo exchange it)."""

    def __init__(self, *_: object) -> None:
        pass

    def msg(self, line: str) -> None:
        with suppress(OSError):  # a full disk under the log must not end the hub
            sys.stderr.write(line + "\n")

    debug = info = warning = error = msg


class _LibraryLines(logging.Handler):
    """What a library logs is told by its name and place alone: its words may hold anything."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        where = f"{Path(record.pathname).name}:{record.lineno}"
        log(record.levelname.lower(), "library_line", what=record.name, where=where, **about(error))
