"""`hub`, the command line. It parses, finds the verb's module, and turns what went wrong into an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import Any

from hub import VERSION
from hub.errors import CannotRun, Retry
from hub.verbs import VERBS


def main(arguments: list[str] | None = None) -> int:
    """Run one verb: 0 fine, 1 found something wrong, 2 could not run."""
    words = sys.argv[1:] if arguments is None else arguments
    parser, verb = _parser(words)
    options = parser.parse_args(words)
    if verb is None:
        parser.print_help()
        return 2
    try:
        status: int = verb.run(options)
        sys.stdout.flush()
        return status
    except CannotRun as error:
        sys.stderr.write(f"hub {options.verb}: {error}\n")
        return 2
    except Retry as error:
        sys.stderr.write(f"hub {options.verb}: The store is away just now ({error.hint}). Try again.\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(words: list[str]) -> tuple[argparse.ArgumentParser, Any]:
    """The parser, with the arguments of the one verb that is asked for: the others' modules stay unread."""
    parser = argparse.ArgumentParser(
        prog="hub",
        description="The cervical screening messaging hub.",
        epilog="Each verb has --help with examples. Exit codes: 0 fine, 1 found something wrong, 2 could not run.",
    )
    parser.add_argument("--version", action="version", version=f"hub {VERSION}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    asked = next((word for word in words if not word.startswith("-")), None)
    module = None
    for name, help_line in VERBS.items():
        if name != asked:
            verbs.add_parser(name, help=help_line)
            continue
        module = importlib.import_module(f"hub.verbs.{name.replace('-', '_')}")
        child = verbs.add_parser(
            name,
            help=help_line,
            description=help_line[0].upper() + help_line[1:] + ".",
            epilog="examples:\n" + "\n".join(f"  {line}" for line in module.EXAMPLES),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.arguments(child)
    return parser, module


if __name__ == "__main__":
    sys.exit(main())
